"""The service and the PBX that flows and load use, and the passwords of phones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from yarl import URL

from bridge.command.remote.account import Account, NoAccount, account
from bridge.config.secrets_file import SecretsFileError, sip_secret_name
from bridge.config.settings import Settings
from bridge.config.settings_reading import SettingsWrong, read_settings
from bridge.config.state_folder import SECRETS_FILE
from bridge.directory.directory import Directory
from bridge.directory.loader import EXAMPLE_FILE, load_directory
from bridge.directory.problems import DirectoryError

_SIP_PORT = 5060


@dataclass(frozen=True, slots=True)
class Target:
    """`sip`: where phones register. `secret_of`: the password of an extension, None if unknown."""

    account: Account
    sip: tuple[str, int]
    secret_of: Callable[[str], str | None]

    @classmethod
    def of(cls, who: Account, sip: str, secrets: Path | None, *, of_folder: bool) -> Target:
        """Missing values come from the settings of this folder. Raises NoAccount."""
        return cls(who, _sip_server(sip, who.url, of_folder=of_folder), _sip_secrets(secrets))


def target(
    url: str, client_id: str, client_secret: str, user: str, sip: str, secrets: Path | None
) -> Target:
    """Empty values come from the settings of this folder. Raises NoAccount."""
    who = account(url, client_id, client_secret, user)
    return Target.of(who, sip, secrets, of_folder=not url)


def organization_prefix(client_id: str) -> str:
    """Of an app of the directory of this folder; empty where that is not known."""
    try:
        directory = _directory(read_settings())
    except (SettingsWrong, SecretsFileError, DirectoryError):
        return ""
    app = directory.apps.get(client_id)
    return "" if app is None else app.organization or ""


def _sip_server(sip: str, url: str, *, of_folder: bool) -> tuple[str, int]:
    if sip:
        host, colon, port = sip.rpartition(":")
        if not colon or not port.isdigit():
            raise NoAccount(f"--sip {sip}: must be HOST:PORT")
        return host, int(port)
    if of_folder:
        try:
            settings = read_settings()
        except SettingsWrong as why:
            raise NoAccount(str(why)) from None
        host = settings.pbx_host or settings.bind_address
        return ("127.0.0.1" if host in ("0.0.0.0", "::") else host), settings.sip_port
    return URL(url).host or "127.0.0.1", _SIP_PORT


def _sip_secrets(file: Path | None) -> Callable[[str], str | None]:
    if file is not None:
        try:
            known: dict[str, str] = json.loads(file.read_text())
        except (OSError, ValueError) as why:
            raise NoAccount(f"{file}: {why}") from None
        return lambda number: known.get(sip_secret_name(number))
    try:
        phones = _directory(read_settings()).extensions
    except (SettingsWrong, SecretsFileError, DirectoryError) as why:
        raise NoAccount(f"{why}\nOr give --secrets.") from None
    return lambda number: (phones[number].sip_secret or None) if number in phones else None


def _directory(settings: Settings) -> Directory:
    """Raises SecretsFileError, DirectoryError."""
    known = _OnlyKnown.of(settings.state_dir / SECRETS_FILE)
    return load_directory(settings.directory_file or EXAMPLE_FILE, known)


class _OnlyKnown:
    """Makes no secret: one that is not in the file is empty."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known

    @classmethod
    def of(cls, path: Path) -> _OnlyKnown:
        """Raises SecretsFileError."""
        try:
            return cls(json.loads(path.read_text()))
        except FileNotFoundError:
            return cls({})
        except (OSError, ValueError) as why:
            raise SecretsFileError(f"{path}: {why}") from None

    def get_or_create(self, name: str) -> str:
        return self._known.get(name, "")

    def get_or_create_all(self, names: Iterable[str]) -> dict[str, str]:
        return {x: self.get_or_create(x) for x in names}

    def read_again(self) -> None:
        """There is nothing to read."""
