"""What `uapi-bridge` says, and its exit codes: serve, check, console, settings, directory."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.access.password_hash import fits
from bridge.cluster.shared_directory import SharedDirectory
from bridge.command import commands, serving
from bridge.config.secrets_file import ThrowawaySecrets
from bridge.config.settings import Settings
from bridge.config.state_folder import StateFolderInUse
from bridge.directory import weak_secrets
from bridge.directory.loader import EXAMPLE_FILE, load_directory
from bridge.faults import StorageUnavailable
from bridge.local_asterisk import console
from bridge.wiring import shared_secrets

SEVERAL = {
    "BRIDGE_INSTANCE_NAME": "a",
    "BRIDGE_INSTANCE_URL": "http://127.0.0.1:8080",
    "BRIDGE_CLUSTER_SECRET": "kT7-wq0ZpR4xUe2LkT7-wq0ZpR4xUe2L",
    "BRIDGE_DATABASE_URL": "postgresql+asyncpg://db/cluster",
}


class Kept(ThrowawaySecrets):
    """What the instances share."""

    def names(self) -> list[str]:
        return sorted(self._known)


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SEVERAL.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def wrong_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_HTTP_PORT", "many")


@pytest.fixture
def wrong_file(tmp_path: Path) -> Path:
    file = tmp_path / "wrong.yaml"
    file.write_text("organizations: 7\n")
    return file


# serve


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (None, 0),
        (KeyboardInterrupt(), 0),
        (StateFolderInUse("another process uses it"), "another process uses it"),
    ],
)
def test_serve_ends_as_its_service_does(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException | None, code: int | str
) -> None:
    served: list[Settings] = []

    async def serve(settings: Settings) -> None:
        served.append(settings)
        if raised is not None:
            raise raised

    monkeypatch.setattr(serving, "serve", serve)
    monkeypatch.setattr(commands, "set_up_logging", lambda _: None)
    assert commands.serve() == code
    assert len(served) == 1


def test_another_missing_module_is_a_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(_: Settings) -> None:
        raise ModuleNotFoundError(name="something")

    monkeypatch.setattr(serving, "serve", serve)
    monkeypatch.setattr(commands, "set_up_logging", lambda _: None)
    with pytest.raises(ModuleNotFoundError):
        commands.serve()


# check


def test_a_valid_file_is_counted_and_weak_secrets_noted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert commands.check(None, pbx=False) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{EXAMPLE_FILE}: valid, ")
    assert f" {len(load_directory(EXAMPLE_FILE, ThrowawaySecrets()).extensions)} extensions" in said
    monkeypatch.setattr(weak_secrets, "weak_secret_notes", lambda _: ["guessed soon"])
    assert commands.check(EXAMPLE_FILE, pbx=False) == 0
    assert "note: guessed soon" in capsys.readouterr().out


def test_a_wrong_file_is_told_with_its_line(wrong_file: Path) -> None:
    said = str(commands.check(wrong_file, pbx=False))
    assert said.startswith(f"{wrong_file}:1")
    assert "organizations" in said


@pytest.mark.usefixtures("wrong_settings")
@pytest.mark.parametrize(
    "command",
    [
        lambda: commands.serve(),
        lambda: commands.check(None, pbx=False),
        lambda: commands.console("core show version", public_network=False),
        lambda: commands.settings(values=True, json=False),
        lambda: commands.list_secrets(),
        lambda: commands.show_secret("ami"),
        lambda: commands.rotate_secrets(["ami"]),
        lambda: commands.upgrade_asterisk(newest=False, remove_unused=False),
    ],
)
def test_wrong_settings_are_named_by_every_command(command: Any) -> None:
    assert "BRIDGE_HTTP_PORT" in str(command())


def test_a_pbx_without_any_secret_is_not_asked(state_dir: Path) -> None:
    said = str(commands.check(None, pbx=True))
    assert "BRIDGE_AMI_SECRET and BRIDGE_ARI_SECRET are not set" in said
    assert str(state_dir / "secrets.json") in said
    assert not (state_dir / "secrets.json").exists()


def test_a_pbx_that_nobody_reaches_is_told_for_both_sides(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], unused_tcp_port: int
) -> None:
    monkeypatch.setenv("BRIDGE_PBX_HOST", "127.0.0.1")
    for side in ("AMI", "ARI"):
        monkeypatch.setenv(f"BRIDGE_{side}_PORT", str(unused_tcp_port))
        monkeypatch.setenv(f"BRIDGE_{side}_SECRET", "kT7-wq0ZpR4xUe2L")
    assert commands.check(None, pbx=True) == 1
    said = capsys.readouterr().out
    assert f"AMI at 127.0.0.1:{unused_tcp_port}" in said
    assert f"ARI at http://127.0.0.1:{unused_tcp_port}" in said
    assert "BRIDGE_AMI_PORT" in said
    assert "BRIDGE_ARI_PORT" in said
    assert "BRIDGE_PBX_HOST is not set" not in said


@pytest.mark.usefixtures("several")
def test_of_several_pbxs_each_is_told_under_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], unused_tcp_port: int
) -> None:
    kept = {"ami": "kT7-wq0ZpR4xUe2L", "ami-recording": "kT7-wq0ZpR4xUe2L", "ari": "kT7-wq0ZpR4"}
    monkeypatch.setattr(shared_secrets, "shared_secrets", lambda settings: Kept(kept))
    entry = {"host": "127.0.0.1", "ami_port": unused_tcp_port, "ari_port": unused_tcp_port}
    pbxs = [{"name": name, **entry} for name in ("pbx1", "pbx2")]
    monkeypatch.setenv("BRIDGE_PBX", json.dumps(pbxs))
    assert commands.check(None, pbx=True) == 1
    said = capsys.readouterr().out
    assert [x for x in said.splitlines() if x.startswith("PBX ")] == ["PBX pbx1", "PBX pbx2"]
    assert said.count(f"AMI at 127.0.0.1:{unused_tcp_port}") >= 2


# console


@pytest.mark.parametrize(
    ("printed", "returned", "code"),
    [
        ("Asterisk 20\n", 0, 0),
        ("No such command 'x'\n", 0, 1),
        ("1\n2\n3\nNo such command in a text\n", 0, 0),
        ("Unable to connect\n", 3, 3),
    ],
)
def test_the_console_fails_for_an_unknown_command_too(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    state_dir: Path,
    printed: str,
    returned: int,
    code: int,
) -> None:
    def line(folder: Path, command: str, *, public_network: bool) -> list[str]:
        assert folder == state_dir / "asterisk"
        return ["asterisk", command, str(public_network)]

    def run(words: Sequence[str], **_: object) -> Any:
        assert words == ["asterisk", "x", "True"]
        return SimpleNamespace(stdout=printed, returncode=returned)

    monkeypatch.setattr(console, "console_command", line)
    monkeypatch.setattr(subprocess, "run", run)
    assert commands.console("x", public_network=True) == code
    assert capsys.readouterr().out == printed


def test_without_an_asterisk_the_console_names_the_folder(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "_container", lambda *_: "")
    said = str(commands.console("core show version", public_network=False))
    assert f"no Asterisk runs with the state folder {state_dir / 'asterisk'}" in said


# settings


def test_settings_are_listed_or_told_with_their_values(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_HTTP_PORT", "8123")
    assert commands.settings(values=False, json=False) == 0
    listed = capsys.readouterr().out
    assert "BRIDGE_HTTP_PORT" in listed
    assert "8123" not in listed
    assert commands.settings(values=True, json=False) == 0
    assert "8123" in capsys.readouterr().out
    assert commands.settings(values=True, json=True) == 0
    assert "8123" in json.dumps(json.loads(capsys.readouterr().out))


# passwords


@pytest.mark.parametrize(("second", "is_hashed"), [("kT7-wq0ZpR4xUe2L", True), ("other", False)])
def test_at_a_terminal_a_password_is_asked_for_twice(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    second: str,
    is_hashed: bool,
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    typed = iter(["kT7-wq0ZpR4xUe2L", second])
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(commands, "getpass", lambda _: next(typed))
    said = commands.hash_password()
    printed = capsys.readouterr().out.strip()
    if is_hashed:
        assert said == 0
        assert fits("kT7-wq0ZpR4xUe2L", printed)
    else:
        assert said == "the two are not the same"
        assert printed == ""


# directory


def test_a_difference_of_two_files_is_told_and_its_exit_code_is_1(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, wrong_file: Path
) -> None:
    assert commands.diff_directories(EXAMPLE_FILE, None, json=True) == 0
    assert json.loads(capsys.readouterr().out) == []
    other = tmp_path / "other.yaml"
    other.write_text(EXAMPLE_FILE.read_text().replace('"210"', '"219"').replace("*210", "*219"))
    code = commands.diff_directories(other, EXAMPLE_FILE, json=False)
    assert (code, "219" in capsys.readouterr().out) == (1, True)
    assert commands.diff_directories(wrong_file, None, json=False) == 2
    assert str(wrong_file) in capsys.readouterr().err


@pytest.mark.usefixtures("several")
def test_a_push_tells_its_version(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wrong_file: Path
) -> None:
    pushed: list[str] = []

    def push(_: SharedDirectory, content: str) -> int:
        pushed.append(content)
        return 7

    monkeypatch.setattr(SharedDirectory, "push", push)
    assert commands.push_directory(EXAMPLE_FILE) == 0
    assert "version 7; all instances use it" in capsys.readouterr().out
    assert pushed == [EXAMPLE_FILE.read_text()]
    assert commands.push_directory(wrong_file) == 2
    assert "organizations" in capsys.readouterr().err
    assert len(pushed) == 1


@pytest.mark.usefixtures("several")
def test_a_push_without_the_database_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def push(_: SharedDirectory, content: str) -> int:
        raise StorageUnavailable("PostgreSQL db: refused")

    monkeypatch.setattr(SharedDirectory, "push", push)
    said = commands.push_directory(EXAMPLE_FILE)
    assert said == "the database cannot be used: PostgreSQL db: refused"


def test_one_instance_alone_pushes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.push_directory(EXAMPLE_FILE) == 2
    assert "BRIDGE_INSTANCE_NAME is not set" in capsys.readouterr().err


# secrets of several instances


class Shared:
    where = "PostgreSQL db"

    def __init__(self) -> None:
        self.rotated: list[str] = []

    def names(self) -> list[str]:
        return ["ami", "sip/1"]

    def rotate(self, names: Sequence[str]) -> None:
        self.rotated += names


@pytest.mark.usefixtures("several")
def test_secrets_of_several_instances_are_those_of_the_database(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], state_dir: Path
) -> None:
    shared = Shared()
    monkeypatch.setattr(shared_secrets, "shared_secrets", lambda _: shared)
    assert commands.list_secrets() == 0
    assert capsys.readouterr().out.split() == ["ami", "sip/1"]
    assert commands.rotate_secrets(["sip/1"]) == 0
    said = capsys.readouterr().out
    assert said == "sip/1: new in PostgreSQL db\nAll instances take them within seconds.\n"
    assert shared.rotated == ["sip/1"]


@pytest.mark.usefixtures("several")
def test_secrets_of_several_instances_need_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(_: Settings) -> None:
        raise StorageUnavailable("refused")

    monkeypatch.setattr(shared_secrets, "shared_secrets", unreachable)
    assert commands.list_secrets() == "cannot read the secrets of the instances: refused"


# the Asterisk of `serve`


@pytest.mark.parametrize(("raised", "code"), [(None, 5), (KeyboardInterrupt(), 130)])
def test_an_upgrade_has_the_code_of_its_outcome(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException | None, code: int
) -> None:
    from bridge.command import asterisk_upgrade

    async def upgrade(_: Settings, *, newest: bool, remove_unused: bool) -> int:
        assert (newest, remove_unused) == (True, False)
        if raised is not None:
            raise raised
        return code

    monkeypatch.setattr(asterisk_upgrade, "upgrade", upgrade)
    assert commands.upgrade_asterisk(newest=True, remove_unused=False) == code
