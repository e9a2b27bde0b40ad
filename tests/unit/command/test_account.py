"""The service and the app that a command speaks to, and what is said where they are not known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from bridge.client import ApiError, NotReached, UapiClient
from bridge.command.remote import running as running_module
from bridge.command.remote.account import Account, NoAccount, account
from bridge.command.remote.running import of_a_service
from bridge.config.secrets_file import ThrowawaySecrets
from bridge.wiring import shared_secrets
from tests.unit.directory.small_directory import SMALL


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a service with the shipped directory, which has made its secrets."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "state").mkdir()
    secrets = {"app/user-12": "secret-of-user-12"}
    file = tmp_path / "state/secrets.json"
    file.write_text(json.dumps(secrets))
    file.chmod(0o600)
    return tmp_path


def test_given_everything_then_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_HTTP_PORT", "wrong")
    given = account("https://pbx.example", "app", "secret", "7")
    assert given == Account("https://pbx.example", "app", "secret", "7")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8081"),
        ("0.0.0.0", "http://127.0.0.1:8081"),
        ("::", "http://127.0.0.1:8081"),
        ("::1", "http://[::1]:8081"),
        ("192.0.2.7,127.0.0.1", "http://192.0.2.7:8081"),
    ],
)
def test_given_nothing_then_it_is_the_service_of_this_folder_and_its_app_of_a_user(
    folder: Path, monkeypatch: pytest.MonkeyPatch, host: str, url: str
) -> None:
    monkeypatch.setenv("BRIDGE_HTTP_HOST", host)
    monkeypatch.setenv("BRIDGE_HTTP_PORT", "8081")
    assert account("", "", "", "@me") == Account(url, "user-12", "secret-of-user-12", "@me")


def test_given_one_of_several_instances_then_the_secret_is_the_one_that_they_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Shared(ThrowawaySecrets):
        def names(self) -> list[str]:
            return ["app/user-12"]

    monkeypatch.chdir(tmp_path)
    for name, value in {
        "INSTANCE_NAME": "a",
        "INSTANCE_URL": "http://127.0.0.1:8081",
        "CLUSTER_SECRET": "kT7-wq0ZpR4xUe2LkT7-wq0ZpR4xUe2L",
        "DATABASE_URL": "postgresql+asyncpg://db/cluster",
        "HTTP_PORT": "8081",
    }.items():
        monkeypatch.setenv(f"BRIDGE_{name}", value)
    shared = Shared({"app/user-12": "secret-of-all"})
    monkeypatch.setattr(shared_secrets, "shared_secrets", lambda settings: shared)
    known = account("", "", "", "@me")
    assert known == Account("http://127.0.0.1:8081", "user-12", "secret-of-all", "@me")


def test_given_no_secrets_here_then_the_missing_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoAccount, match=r"no secret of app 'user-12' is here \(app/user-12\)"):
        account("", "", "", "@me")
    assert list(tmp_path.iterdir()) == []  # it leaves no trace


def test_given_an_unknown_app_then_it_is_named(folder: Path) -> None:
    with pytest.raises(NoAccount, match="no secret of app 'somebody' is here"):
        account("", "somebody", "", "@me")


def test_given_no_app_of_a_user_then_the_option_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder / "directory.yaml"
    file.write_text(SMALL.partition("apps:")[0])
    monkeypatch.setenv("BRIDGE_DIRECTORY_FILE", str(file))
    with pytest.raises(NoAccount, match="the directory has no app of a user; give --client-id"):
        account("", "", "", "@me")


def test_given_a_wrong_setting_then_it_is_told_with_the_other_way(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_HTTP_PORT", "wrong")
    with pytest.raises(NoAccount) as failed:
        account("", "", "", "@me")
    assert "BRIDGE_HTTP_PORT" in str(failed.value)
    assert str(failed.value).endswith("\nOr give --url, --client-id and --client-secret.")


@pytest.mark.parametrize(
    ("fault", "code", "says"),
    [
        (ApiError(400, "pc_source_invalid", "no such number", "r1"), 1, "(request r1)"),
        (ApiError(404, "no_such_call", "there is no call"), 1, "no_such_call: there is no call\n"),
        (NotReached("http://x: refused"), 3, "http://x: refused\n"),
        (NoAccount("give --client-id"), 2, "give --client-id\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_given_a_command_that_fails_then_its_exit_code_says_how(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: BaseException,
    code: int,
    says: str,
) -> None:
    def fails(*_: str) -> Account:
        raise fault

    monkeypatch.setattr(running_module, "account", fails)

    async def work(_: UapiClient) -> None:
        """It is not reached."""

    command = of_a_service(lambda: work)
    with pytest.raises(typer.Exit) as ended:
        command(url="", client_id="", client_secret="", user="@me")
    assert ended.value.exit_code == code
    assert says in capsys.readouterr().err
