"""What `check --pbx` says of browser phones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

import bridge.pbx.readiness.browser_phones as module
from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.directory import Directory
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.pbx.ami.message import Headers
from bridge.pbx.readiness.ami import AmiLook
from bridge.pbx.readiness.browser_phones import ice_findings, module_findings
from bridge.pbx.readiness.finding import Verdict

LOOK = cast("AmiLook", None)
OPUS = "codec_opus_open_source"
ALL = {
    "res_srtp",
    "res_http_websocket",
    "res_pjsip_transport_websocket",
    OPUS,
}


def directory(text: str, folder: Path) -> Directory:
    file = folder / "directory.yaml"
    file.write_text(text)
    return CurrentDirectory(file, ThrowawaySecrets()).directory


@pytest.fixture
def with_phones(tmp_path: Path) -> Directory:
    return directory(EXAMPLE_FILE.read_text(), tmp_path)


@pytest.fixture
def without_phones(tmp_path: Path) -> Directory:
    return directory(EXAMPLE_FILE.read_text().replace("webrtc: yes", "webrtc: no"), tmp_path)


def test_given_a_module_is_missing_when_checked_then_it_is_named(with_phones: Directory) -> None:
    assert {x.verdict for x in module_findings(ALL, with_phones)} == {Verdict.OK}
    [opus] = {*module_findings(ALL - {OPUS}, with_phones)} - {*module_findings(ALL, with_phones)}
    assert (opus.verdict, "G.711" in opus.point) == (Verdict.OK, True)
    for name in ALL - {OPUS}:
        found = module_findings(ALL - {name}, with_phones)
        [finding] = [x for x in found if x.verdict is not Verdict.OK]
        assert finding.verdict is Verdict.ADVICE
        assert name in f"{finding.point} {finding.remedy}"


async def test_given_no_browser_phone_when_checked_then_nothing_is_said(
    without_phones: Directory,
) -> None:
    assert module_findings(set(), without_phones) == []
    assert await ice_findings(LOOK, None, without_phones) == []


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"Line-000000-000000": "rtpstart=10000"}, "ICE, for browser phones"),
        ({"Line-000000-000000": "icesupport=yes"}, "ICE, for browser phones"),
        ({"Line-000000-000001": "icesupport=no"}, "ICE is off"),
        (None, "could not be read"),
    ],
)
async def test_given_rtp_conf_when_checked_then_ice_that_is_off_is_told(
    with_phones: Directory,
    monkeypatch: pytest.MonkeyPatch,
    section: Headers | None,
    said: str,
) -> None:
    async def read(_: object, __: object, file: str, names: Sequence[str]) -> list[Headers] | None:
        assert (file, tuple(names)) == ("rtp.conf", ("general",))
        return None if section is None else [section]

    monkeypatch.setattr(module, "read_sections", read)
    [finding] = await ice_findings(LOOK, None, with_phones)
    assert said in finding.point
