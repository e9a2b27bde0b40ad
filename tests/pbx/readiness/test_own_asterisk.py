"""The pieces of docs/own-asterisk.md, added to the configuration of Debian, are enough."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from bridge.local_asterisk.installation import Installation
from bridge.local_asterisk.local_asterisk import CONFIGURATION, AsteriskSecrets, LocalAsterisk
from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.lab.installation import test_installation
from bridge.testing.softphones.ports import free_port

from .test_check_pbx import check

PAGE = CONFIGURATION.parent / "docs" / "own-asterisk.md"
# Channel drivers that listen on every address of the machine, and are not needed.
_NOISY = ("chan_iax2", "chan_mgcp", "chan_skinny", "chan_unistim", "chan_ooh323", "pbx_dundi")


def pieces() -> dict[str, str]:
    """File → what the page says to add."""
    return {
        found[1]: found[2]
        for found in re.finditer(
            r"^`(\w+\.conf)`[^`]*(?:`[^`\n]+`[^`]*)*?^```ini\n(.*?)^```",
            PAGE.read_text(),
            re.MULTILINE | re.DOTALL,
        )
    }


def merged(text: str, piece: str) -> str:
    """Lines of a section that is there already go into it, as somebody would do by hand."""
    for head, lines in re.findall(r"^(\[[\w*-]+\])\n((?:(?!\[).*\n)*)", piece, re.MULTILINE):
        there = re.search(f"^{re.escape(head)}.*\n", text, re.MULTILINE)
        at = there.end() if there else len(text)
        text = text[:at] + ("" if there else f"\n{head}\n") + lines + text[at:]
    return text


def configuration(folder: Path, installation: Installation) -> Path:
    """Debian's files with the pieces, as templates for the ports of the test."""
    assert installation.root is not None
    shutil.copytree(CONFIGURATION, folder)
    pbx = folder / "pbx"
    debian = installation.root / "etc" / "asterisk"
    added = pieces()
    assert set(added) == {
        "manager.conf",
        "http.conf",
        "ari.conf",
        "sorcery.conf",
        "pjsip.conf",
        "extensions.conf",
        "queues.conf",
    }
    for name in ("modules.conf", *added):
        text = merged((debian / name).read_text(), added.get(name, ""))
        # Asterisk refuses a file that includes from a folder that is not there.
        text = text.replace('#include "manager.d/*.conf"', "")
        (pbx / name).write_text(
            text.replace("= 5038", "= @AMI_PORT@").replace("8088", "@HTTP_PORT@")
        )
    with (pbx / "pjsip.conf").open("a") as pjsip:
        # Somebody has one, and has given it what the page says.
        pjsip.write("\n[trunk]\ntype = endpoint\ncontext = from-trunk\nrtp_timeout = 45\n")
        pjsip.write("identify_by = ip\n")
    (pbx / "extensions.conf").write_text(
        added["extensions.conf"]
        + "\n[your-extensions]\n[your-public-numbers]\n"
        # What the page calls your queues, IVRs and conferences: those of the example directory.
        + "[services]\n"
        + "".join(f"exten => _XXXX*{x}00,1,Answer()\n" for x in "345")
    )
    with (pbx / "modules.conf").open("a") as modules:
        modules.write("[modules]\n" + "".join(f"noload = {x}.so\n" for x in _NOISY))
    return folder


async def phones_made(state: Path, asterisk: LocalAsterisk) -> str:
    """What Asterisk has after the service was there."""
    settings = {
        "ami_secret": "a-long-random-string",
        "ami_recording_secret": "a-second-long-random-string",
        "ari_secret": "another-long-random-string",
    }
    service = BridgeProcess(state, asterisk.ports, free_port(), settings)
    await service.start()
    try:
        assert service.log_lines("error") == []
        return await asterisk.pbx.console("pjsip show endpoints")
    finally:
        await service.stop()


async def test_given_debians_configuration_and_the_pages_pieces_when_checked_then_all_is_there(
    tmp_path: Path,
) -> None:
    installation = await test_installation()
    asterisk = LocalAsterisk(
        installation=installation,
        state_dir=tmp_path / "s",
        ports=free_asterisk_ports(),
        secrets=AsteriskSecrets("not-used", "not-used", "not-used"),
        public_network=False,
        configuration=configuration(tmp_path / "conf", installation),
    )
    await asterisk.start()
    try:
        done = await check(
            asterisk.ports,
            ami_secret="a-long-random-string",
            ami_recording_secret="a-second-long-random-string",
            ari_secret="another-long-random-string",
        )
        made = await phones_made(tmp_path / "state", asterisk)
    finally:
        await asterisk.stop()

    assert done.code == 0, done.output
    assert "advice" not in done.output
    # Though this PBX had not a single endpoint before.
    assert "0003*210" in made
