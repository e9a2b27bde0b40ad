"""`uapi-bridge secret rotate`, `list` and `hash`."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.access.password_hash import fits
from bridge.command.commands import hash_password, list_secrets, rotate_secrets, show_secret
from bridge.config.secrets_file import SecretsFile
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory

PHONE, APP = "sip/0003*210", "app/user-12"


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SecretsFile:
    """Of a service that runs with the example."""
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path))
    made = SecretsFile.open(tmp_path / "secrets.json")
    made.get_or_create_all([PHONE, APP, "ami", "ari"])
    return made


def test_given_two_names_when_rotated_then_both_are_new_and_the_others_stay(
    secrets: SecretsFile, capsys: pytest.CaptureFixture[str]
) -> None:
    before = json.loads(secrets.path.read_text())
    assert rotate_secrets([PHONE, APP]) == 0
    after = json.loads(secrets.path.read_text())
    assert {x for x in before if before[x] != after[x]} == {PHONE, APP}
    said = capsys.readouterr().out
    assert "SIGHUP" in said
    assert after[APP] not in said
    assert secrets.path.stat().st_mode & 0o777 == 0o600


def test_given_the_password_of_the_pbx_when_rotated_then_a_restart_is_asked_for(
    secrets: SecretsFile, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rotate_secrets(["ami"]) == 0
    assert "Restart" in capsys.readouterr().out


def test_given_an_unknown_name_when_rotated_then_nothing_changes_and_the_nearest_is_named(
    secrets: SecretsFile,
) -> None:
    before = secrets.path.read_text()
    said = rotate_secrets([APP, "sip/0003*21"])
    assert said == f"no secret 'sip/0003*21' was generated here (did you mean {PHONE}?)"
    assert secrets.path.read_text() == before


@pytest.mark.parametrize("command", [list_secrets, lambda: rotate_secrets([APP])])
def test_given_no_secrets_here_then_none_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[[], int | str]
) -> None:
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "state"))
    assert "there is no such file" in str(command())
    assert not (tmp_path / "state").exists()


def test_when_listed_then_the_names_are_told_and_no_secret(
    secrets: SecretsFile, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list_secrets() == 0
    assert capsys.readouterr().out.split() == ["ami", APP, "ari", PHONE]


def test_given_a_name_when_shown_then_the_secret_alone_is_printed(
    secrets: SecretsFile, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show_secret(APP) == 0
    assert capsys.readouterr().out == f"{secrets.get_or_create(APP)}\n"
    assert "did you mean app/user-12?" in str(show_secret("app/user-1"))


def test_given_a_rotated_secret_when_the_directory_is_reloaded_then_it_is_in_force(
    secrets: SecretsFile,
) -> None:
    directory = CurrentDirectory(EXAMPLE_FILE, secrets)
    old = directory.directory.apps["user-12"].client_secret
    SecretsFile.open(secrets.path).rotate([APP])
    assert directory.directory.apps["user-12"].client_secret == old
    assert directory.reload().apps["user-12"].client_secret not in ("", old)


@pytest.mark.parametrize(
    ("password", "note"), [("kT7-wq0ZpR4xUe2L", ""), ("kT7-wq0Zp", "has 9 characters")]
)
def test_given_a_password_when_hashed_then_the_hash_alone_is_printed(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    password: str,
    note: str,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{password}\n"))
    assert hash_password() == 0
    said = capsys.readouterr()
    assert fits(password, said.out.strip())
    assert note in said.err
    assert bool(said.err) is bool(note)
    assert password not in said.out + said.err


def test_given_a_short_password_when_hashed_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("1234567\n"))
    assert hash_password() == "the password must have 8 to 256 characters"
    assert capsys.readouterr().out == ""
