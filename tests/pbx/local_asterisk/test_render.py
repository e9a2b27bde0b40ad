"""render.sh, without Asterisk."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bridge.local_asterisk.local_asterisk import CONFIGURATION

FOLDERS = {
    "CONF_DIR": "/c",
    "MODULE_DIR": "/m",
    "DATA_DIR": "/d",
    "VAR_DIR": "/v",
    "RUN_DIR": "/r",
    "LOG_DIR": "/l",
    "SPOOL_DIR": "/s",
}
SECRETS = {"AMI_SECRET": "one", "AMI_RECORDING_SECRET": "three", "ARI_SECRET": "two"}


def render(out: Path, kind: str = "pbx", **values: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(CONFIGURATION / "render.sh"), str(CONFIGURATION / kind), str(out)],
        env={"PATH": "/usr/bin:/bin", **FOLDERS, **SECRETS, **values},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("kind", ["pbx", "public-network"])
def test_every_placeholder_gets_its_value(tmp_path: Path, kind: str) -> None:
    done = render(tmp_path, kind)
    assert done.returncode == 0, done.stderr
    names = {file.name for file in tmp_path.iterdir() if file.is_file()}
    assert names == {file.name for file in (CONFIGURATION / kind).iterdir()}
    for file in tmp_path.glob("*.conf"):
        text = file.read_text()
        assert "@AMI" not in text
        assert "_PORT@" not in text
        assert file.stat().st_mode & 0o777 == 0o600


def test_the_music_on_hold_is_raw_audio_of_four_notes(tmp_path: Path) -> None:
    render(tmp_path)
    music = (tmp_path / "moh" / "notes.ulaw").read_bytes()
    assert len(music) == 4 * 4000
    assert len(set(music)) > 100


def test_who_is_fetched_from_the_parking_lot_is_played_silence(tmp_path: Path) -> None:
    render(tmp_path)
    parking = (tmp_path / "res_parking.conf").read_text()
    assert f"\ncourtesytone = {FOLDERS['CONF_DIR']}/sounds/silence\n" in parking
    assert (tmp_path / "sounds" / "silence.ulaw").read_bytes() == b"\xff" * 400


def test_a_secret_with_characters_of_sed_and_awk_arrives_whole(tmp_path: Path) -> None:
    secret = r"a&b/c\d|e$f@g"
    render(tmp_path, AMI_SECRET=secret)
    assert f"secret = {secret}\n" in (tmp_path / "manager.conf").read_text()


@pytest.mark.parametrize("secret", ["a;b", "a\nread = all", "a\rb"])
def test_a_value_that_would_change_the_configuration_is_refused(
    tmp_path: Path, secret: str
) -> None:
    done = render(tmp_path, AMI_SECRET=secret)
    assert done.returncode == 1
    assert "AMI_SECRET" in done.stderr
    assert not (tmp_path / "manager.conf").exists()


def test_one_ami_user_for_calls_and_recording_is_refused(tmp_path: Path) -> None:
    done = render(tmp_path, AMI_USER="one", AMI_RECORDING_USER="one")
    assert done.returncode == 1
    assert "must differ" in done.stderr
    assert not (tmp_path / "manager.conf").exists()


def test_a_missing_value_is_named(tmp_path: Path) -> None:
    done = render(tmp_path, ARI_SECRET="")
    assert done.returncode == 1
    assert "ARI_SECRET has no value" in done.stderr


@pytest.mark.parametrize(
    ("version", "advanced"),
    [
        ("16.28.0", False),
        ("18.26.4", False),
        ("20.10.1", False),
        ("20.11.0", True),
        ("21.5.0", False),
        ("21.6.0", True),
        ("22.0.0", False),
        ("22.10.1", True),
        ("23.0.0-rc1", True),
    ],
)
def test_event_filters_are_those_the_version_understands(
    tmp_path: Path, version: str, advanced: bool
) -> None:
    render(tmp_path, ASTERISK_VERSION=version)
    manager = (tmp_path / "manager.conf").read_text()
    assert ("eventfilter(action(include),name(Hangup)) =" in manager) is advanced
    assert ("eventfilter = ^Event: Hangup[^A-Za-z]" in manager) is not advanced
    early_media = (
        "eventfilter(action(include),name(DialState),header(DialStatus),method(exact)) = PROGRESS"
        if advanced
        else "eventfilter = ^Event: DialState[^A-Za-z].*DialStatus: PROGRESS"
    )
    assert [x for x in manager.splitlines() if "DialState" in x] == [early_media]
    recording = manager.partition("[bridge-recording]")[2]
    filters = [line for line in recording.splitlines() if line.startswith("eventfilter")]
    advanced_filter, simple = (
        "(action(include),name(FullyBooted)) =",
        " = ^Event: FullyBooted[^A-Za-z]",
    )
    assert filters == ["eventfilter" + (advanced_filter if advanced else simple)]
    modules = (tmp_path / "modules.conf").read_text()
    newer = version in ("22.10.1", "23.0.0-rc1")
    assert ("load = res_websocket_client.so" in modules) is newer


def test_a_nonsense_version_is_refused(tmp_path: Path) -> None:
    assert render(tmp_path, ASTERISK_VERSION="GIT-master").returncode == 1


def test_nat_only_with_an_external_address(tmp_path: Path) -> None:
    render(tmp_path)
    assert "external_media_address" not in (tmp_path / "pjsip.conf").read_text()
    render(tmp_path, EXTERNAL_ADDRESS="192.0.2.7", LOCAL_NET="10.0.0.0/8,192.0.2.0/31")
    pjsip = (tmp_path / "pjsip.conf").read_text()
    assert pjsip.count("external_media_address = 192.0.2.7") == 2
    assert pjsip.count("local_net = 10.0.0.0/8\nlocal_net = 192.0.2.0/31\n") == 2
