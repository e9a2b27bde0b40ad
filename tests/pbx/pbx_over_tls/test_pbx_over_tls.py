"""Calls through TLS only, and what is said where the certificate is not one to trust."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from bridge.local_asterisk.local_asterisk import CONFIGURATION
from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.lab.certificates import make_ca, sign
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.lab.running_lab import RunningLab, open_lab
from tests.pbx.readiness.test_check_pbx import Checked, check

pytestmark = pytest.mark.asyncio(loop_scope="module")

PREFIX = "asterisk/inner"


@dataclass(frozen=True)
class TlsLab:
    lab: RunningLab
    ca: Path
    other_ca: Path
    settings: dict[str, str]

    async def checked(self, **settings: str) -> Checked:
        none = {"ami_secret": "", "ari_secret": "", "ami_recording_secret": ""}
        state = str(self.lab.bridge.state_dir)
        known = {**none, "state_dir": state, **self.settings}
        return await check(self.lab.asterisk.ports, **{**known, **settings})


def documented(address: str, certificate: Path, key: Path) -> str:
    """What docs/own-asterisk.md says to add, with our own values."""
    page = (CONFIGURATION.parent / "docs" / "own-asterisk.md").read_text()
    [lines] = re.findall(r"^```ini\n(tlsenable.*?)^```", page, re.MULTILINE | re.DOTALL)
    ours = (("192.0.2.10:5039", address), ("/etc/asterisk/keys/pbx.pem", str(certificate)))
    for theirs, own in (*ours, ("/etc/asterisk/keys/pbx.key", str(key))):
        assert theirs in lines
        lines = lines.replace(theirs, own)
    return str(lines)


def configuration(
    folder: Path, ami_port: int, http_port: int, certificate: Path, key: Path
) -> Path:
    """The shipped one, with TLS beside what is in the clear and a prefix."""
    shutil.copytree(CONFIGURATION, folder)
    for name, port, more in (
        ("manager.conf", ami_port, ""),
        ("http.conf", http_port, f"prefix = {PREFIX}\n"),
    ):
        file = folder / "pbx" / name
        more += documented(f"127.0.0.1:{port}", certificate, key)
        text, count = re.subn(r"^\[general\]\n", rf"\g<0>{more}", file.read_text(), flags=re.M)
        assert count == 1
        file.write_text(text)
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tls(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TlsLab]:
    folder = tmp_path_factory.mktemp("tls")
    # Inside of the folder that Asterisk sees, whatever root it runs in.
    ca = make_ca(folder / "asterisk" / "pbx" / "tls")
    certificate, key = sign(ca, "IP:127.0.0.1")
    ami_port, http_port = free_http_port(), free_http_port()
    settings = {
        "ami_tls": "true",
        "ami_port": str(ami_port),
        "ari_tls": "true",
        "ari_port": str(http_port),
        "ari_prefix": PREFIX,
        "pbx_ca_file": str(ca),
    }
    lab = await open_lab(
        folder,
        settings,
        ports=free_asterisk_ports(),
        configuration=configuration(folder / "conf", ami_port, http_port, certificate, key),
    )
    yield TlsLab(lab, ca, make_ca(folder / "other", "other"), settings)
    await lab.close()


async def test_given_a_pbx_over_tls_when_a_call_is_created_then_it_is_answered_and_ended(
    tls: TlsLab,
) -> None:
    async with tls.lab.client() as api:
        call_id = await api.place("5354353", "3235742879", extension="210")
        await api.wait_status(call_id, 5)
        assert (await api.hang_up("210", call_id)).status == 200
        assert (await api.wait_ended(call_id))["disposition"] == 0
    assert tls.lab.bridge.log_lines("error") == []  # phones were made through ARI, too


async def test_given_a_prefix_and_tls_when_a_phone_connects_by_websocket_then_it_is_let_in(
    tls: TlsLab,
) -> None:
    url = tls.lab.bridge.base_url.replace("http", "ws", 1) + "/ws"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=("sip",)) as phone,
    ):
        assert phone.protocol == "sip"


async def test_given_the_right_ca_when_checked_then_all_is_there(tls: TlsLab) -> None:
    done = await tls.checked()
    assert done.code == 0, done.output


@pytest.mark.parametrize("ca", ["other", "none"])
async def test_given_a_ca_that_did_not_sign_it_when_checked_then_the_setting_is_named(
    tls: TlsLab, ca: str
) -> None:
    done = await tls.checked(pbx_ca_file=str(tls.other_ca) if ca == "other" else "")
    assert done.code == 1
    for side in ("AMI", "ARI"):
        assert "BRIDGE_PBX_CA_FILE" in done.remedy(f"LACKING  {side} at"), done.output


async def test_given_a_name_that_the_certificate_lacks_when_checked_then_it_is_refused(
    tls: TlsLab,
) -> None:
    done = await tls.checked(pbx_host="localhost")
    assert done.code == 1
    assert "BRIDGE_PBX_TLS_VERIFY" in done.remedy("LACKING  AMI at")


async def test_given_no_verification_is_wanted_when_checked_then_any_certificate_will_do(
    tls: TlsLab,
) -> None:
    done = await tls.checked(pbx_ca_file="", pbx_tls_verify="false", pbx_host="localhost")
    assert done.code == 0, done.output


@pytest.mark.parametrize("prefix", ["", "other"])
async def test_given_another_prefix_when_checked_then_the_setting_is_named(
    tls: TlsLab, prefix: str
) -> None:
    done = await tls.checked(ari_prefix=prefix)
    assert done.code == 1
    assert "BRIDGE_ARI_PREFIX" in done.remedy("LACKING  ARI at")


async def test_given_tls_at_a_port_in_the_clear_when_checked_then_that_is_what_is_said(
    tls: TlsLab,
) -> None:
    ports = tls.lab.asterisk.ports
    done = await tls.checked(ami_port=str(ports.ami), ari_port=str(ports.http))
    assert done.code == 1
    assert "BRIDGE_AMI_TLS" in done.remedy("LACKING  AMI at")
    assert "BRIDGE_ARI_TLS" in done.remedy("LACKING  ARI at")
