"""What is lacking on a PBX is named, with the way to mend it; the shipped one lacks nothing."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.local_asterisk.installation import Installation
from bridge.local_asterisk.local import CONFIGURATION, AsteriskSecrets, LocalAsterisk
from bridge.local_asterisk.ports import AsteriskPorts
from tests.lab.asterisk_ports import free_asterisk_ports
from tests.lab.installation import test_installation
from tests.old_asterisk.conftest import asterisk_16

AMI, ARI = "check-ami-secret", "check-ari-secret"
RECORDING = "check-recording-secret"


@dataclass(frozen=True)
class Checked:
    code: int
    output: str

    def remedy(self, point: str) -> str:
        """The line below the one that says so."""
        lines = self.output.splitlines()
        [number] = [n for n, line in enumerate(lines) if re.search(point, line)]
        return lines[number + 1].strip()


async def check(ports: AsteriskPorts, **given: str) -> Checked:
    """The command as somebody types it."""
    settings = {
        "state_dir": "/nonexistent",
        "pbx_host": ports.bind_address,
        "ami_port": str(ports.ami),
        "ari_port": str(ports.http),
        "ami_secret": AMI,
        "ari_secret": ARI,
        "ami_recording_secret": RECORDING,
        **given,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from bridge.cli import main; main()", "check", "--pbx"),
        env={f"BRIDGE_{k.upper()}": v for k, v in settings.items()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    assert not Path(settings["state_dir"]).exists() or "state_dir" in given  # it leaves no trace
    return Checked(process.returncode, output.decode())


async def checked(
    folder: Path,
    *edits: tuple[str, str, str],
    installation: Callable[[], object] = test_installation,
    **settings: str,
) -> Checked:
    """Against an Asterisk with the shipped configuration but these (file, expression, new)."""
    configuration = folder / "asterisk-conf"
    shutil.copytree(CONFIGURATION, configuration)
    for name, old, new in edits:
        file = configuration / "pbx" / name
        text, count = re.subn(old, new, file.read_text(), flags=re.M)
        assert count, f"nothing to edit in {name}"
        file.write_text(text)
    found = await installation()  # type: ignore[misc]
    assert isinstance(found, Installation)
    asterisk = LocalAsterisk(
        installation=found,
        state_dir=folder / "s",
        ports=free_asterisk_ports(),
        secrets=AsteriskSecrets(AMI, ARI, RECORDING),
        public_network=False,
        configuration=configuration,
    )
    await asterisk.start()
    try:
        return await check(asterisk.ports, **settings)
    finally:
        await asterisk.stop()


@pytest.mark.parametrize("installation", [test_installation, asterisk_16])
async def test_given_the_shipped_configuration_when_checked_then_all_is_there(
    tmp_path: Path, installation: Callable[[], object]
) -> None:
    done = await checked(tmp_path, installation=installation)

    assert done.code == 0, done.output
    assert "LACKING" not in done.output
    assert "advice" not in done.output
    assert "ok       AMI right write = originate, to place calls" in done.output
    assert 'ok       AMI user "bridge-recording" logs in and may record' in done.output
    assert AMI not in done.output
    assert RECORDING not in done.output
    assert ARI not in done.output


@pytest.mark.parametrize(
    ("file", "old", "new", "point", "remedy"),
    [
        (
            "manager.conf",
            "^read = .*",
            "read = call",
            "LACKING  AMI right read = system",
            "add system to `read`",
        ),
        (
            "manager.conf",
            "^read = .*",
            "read = system",
            "LACKING  AMI right read = call",
            "add call to `read`",
        ),
        (
            "manager.conf",
            "^write = .*",
            "write = call,reporting",
            "LACKING  AMI right write = originate",
            "add originate to `write`",
        ),
        (
            "manager.conf",
            "^write = .*",
            "write = originate,reporting",
            "LACKING  AMI right write = call",
            "add call to `write`",
        ),
        (
            "manager.conf",
            "^write = .*",
            "write = originate,call",
            "LACKING  AMI right write = reporting",
            "add reporting to `write`",
        ),
        (
            "manager.conf",
            "^secret = .*",
            "secret = another",
            "LACKING  AMI user",
            "BRIDGE_AMI_SECRET",
        ),
        (
            "manager.conf",
            "^enabled = yes",
            "enabled = no",
            "LACKING  AMI at",
            "manager.conf .general.: enabled = yes",
        ),
        (
            "manager.conf",
            "^@EVENT_FILTERS@",
            "eventfilter(action(exclude),name(Hangup)) =",
            "LACKING  event Hangup",
            "eventfilter",
        ),
        (
            "extensions-bridge.conf",
            r"^\[bridge-call\]",
            "[other]",
            r"LACKING  dialplan context \[bridge-call\]",
            "extensions-bridge.conf",
        ),
        (
            "extensions.conf",
            r"^\[transfer-any\]",
            "[other]",
            r"LACKING  dialplan context \[transfer-any\]",
            "extensions.conf",
        ),
        (
            "extensions.conf",
            r"^\[phones\]",
            "[other]",
            r"LACKING  dialplan context \[phones\]",
            "BRIDGE_PROVISION_PHONES",
        ),
        (
            "extensions.conf",
            r"^\[services\]",
            "[other]",
            r"advice   there is no dialplan context \[services\]",
            "services_context",
        ),
        (
            "ari.conf",
            "^password = .*",
            "password = another",
            "LACKING  ARI .* user",
            "BRIDGE_ARI_SECRET",
        ),
        (
            "ari.conf",
            "^read_only = no",
            "read_only = yes",
            "LACKING  ARI makes phones",
            "read_only = no",
        ),
        ("ari.conf", "^enabled = yes", "enabled = no", "LACKING  ARI at", "ari.conf"),
        ("http.conf", "^enabled = yes", "enabled = no", "LACKING  ARI at", "http.conf"),
        ("sorcery.conf", "^aor.*astdb.*", "", "LACKING  ARI makes phones", "sorcery.conf"),
        (
            "modules.conf",
            "^load = app_exec.so",
            "",
            "LACKING  module app_exec",
            "load = app_exec.so",
        ),
        (
            "modules.conf",
            "^load = app_mixmonitor.so",
            "",
            "advice   AMI action MixMonitor",
            "app_mixmonitor.so",
        ),
        (
            "manager.conf",
            "^secret = @AMI_RECORDING_SECRET@",
            "secret = another",
            'advice   AMI user "bridge-recording", for recording: Authentication failed',
            "BRIDGE_AMI_RECORDING_SECRET.*BRIDGE_RECORDING=false",
        ),
        (
            "manager.conf",
            "^write = system",
            "write = call",
            "advice   AMI action MixMonitor",
            r"manager.conf \[bridge-recording\]: add system to `write`",
        ),
        (
            "manager.conf",
            "^read = system",
            "read = call",
            'advice   AMI user "bridge-recording" is not told when Asterisk is up',
            "add system to `read`",
        ),
        (
            "manager.conf",
            "^write = system",
            "write = system,originate",
            'advice   AMI user "bridge-recording" may place calls',
            "`write = system` and nothing else",
        ),
        (
            "manager.conf",
            "^write = originate,call,reporting",
            "write = originate,call,reporting,system",
            'advice   AMI user "bridge" has the right write = system',
            "remove system from `write`",
        ),
    ],
)
async def test_given_something_is_missing_when_checked_then_it_is_named_with_its_remedy(
    tmp_path: Path, file: str, old: str, new: str, point: str, remedy: str
) -> None:
    done = await checked(tmp_path, (file, old, new))

    assert done.code == (0 if point.startswith("advice") else 1), done.output
    assert re.search(remedy, done.remedy(point)), done.output
    assert "Traceback" not in done.output


async def test_given_no_recording_is_wanted_when_checked_then_its_user_is_not_missed(
    tmp_path: Path,
) -> None:
    edit = ("manager.conf", "^secret = @AMI_RECORDING_SECRET@", "secret = another")
    done = await checked(tmp_path, edit, recording="false")

    assert done.code == 0, done.output
    assert "advice" not in done.output
    assert "bridge-recording" not in done.output


async def test_given_nothing_listens_when_checked_then_both_ways_in_are_named() -> None:
    done = await check(free_asterisk_ports())

    assert done.code == 1
    assert "manager.conf" in done.remedy("LACKING  AMI at")
    assert "http.conf" in done.remedy("LACKING  ARI at")


async def test_given_no_secret_when_checked_then_nothing_is_written_and_the_settings_are_named(
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    done = await check(free_asterisk_ports(), ami_secret="", state_dir=str(state))

    assert done.code == 1
    assert "BRIDGE_AMI_SECRET" in done.output
    assert not state.exists()
