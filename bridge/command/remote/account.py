"""The service that the commands speak to, and the app that they are.

Options come first, then `UAPI_URL`, `UAPI_CLIENT_ID`, `UAPI_CLIENT_SECRET` and `UAPI_USER`. Without
them it is the service of this folder, and its first app of a user.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.client import UapiClient
from bridge.command.known_secrets import known_secrets
from bridge.config.secrets_file import SecretsFileError, ThrowawaySecrets, app_secret_name
from bridge.config.settings import Settings
from bridge.config.settings_reading import SettingsWrong, read_settings
from bridge.directory.directory import Directory
from bridge.directory.loader import EXAMPLE_FILE, load_directory
from bridge.directory.model import AccountLevel
from bridge.directory.problems import DirectoryError


class NoAccount(Exception):
    """`str()` says what is missing, and how to give it."""


@dataclass(frozen=True, slots=True)
class Account:
    """`user` as in URLs: `@me`, or the number of a user."""

    url: str
    client_id: str
    client_secret: str
    user: str

    def client(self) -> UapiClient:
        """A client of the API, to be opened."""
        return UapiClient(self.url, self.client_id, self.client_secret, user=self.user)


def account(url: str, client_id: str, client_secret: str, user: str) -> Account:
    """Missing values come from the settings and secrets of this folder. Raises NoAccount."""
    if url and client_id and client_secret:
        return Account(url, client_id, client_secret, user)
    try:
        settings = read_settings()
        secrets = known_secrets(settings)
        file = settings.directory_file or EXAMPLE_FILE
        directory = load_directory(file, secrets or ThrowawaySecrets())
    except (SettingsWrong, SecretsFileError, DirectoryError) as why:
        raise NoAccount(f"{why}\nOr give --url, --client-id and --client-secret.") from None
    client_id = client_id or _app_of_a_user(directory)
    if not client_secret:
        app = directory.apps.get(client_id)
        if app is None or secrets is None:
            raise NoAccount(
                f"no secret of app {client_id!r} is here ({app_secret_name(client_id)}); give "
                "--client-secret, or run this in the folder of the service."
            )
        client_secret = app.client_secret
    return Account(url or _local_url(settings), client_id, client_secret, user)


def _app_of_a_user(directory: Directory) -> str:
    for client_id, app in directory.apps.items():
        if app.level is AccountLevel.USER:
            return client_id
    raise NoAccount("the directory has no app of a user; give --client-id.")


def _local_url(settings: Settings) -> str:
    host = settings.http_hosts[0]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.http_port}"
