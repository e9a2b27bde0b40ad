"""The generated secrets: SIP passwords, app secrets, the AMI and ARI passwords.

One JSON object in the state folder, mode 0600. Missing entries are made on demand; a secret that is
there never changes by itself. `uapi-bridge secret rotate` replaces one.

Names: `ami`, `ami-recording`, `ari`, `sip/0003*210`, `app/<client id>`, `user/<id>`,
`verba-key/<name>` (a GUID), `verba-user/<name>`.
"""

from __future__ import annotations

import difflib
import fcntl
import json
import os
import secrets
import stat
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

AMI_SECRET = "ami"  # noqa: S105  (the name of a secret, not the secret)
AMI_RECORDING_SECRET = "ami-recording"  # noqa: S105
ARI_SECRET = "ari"  # noqa: S105

_VERBA_KEY = "verba-key/"
_SECRET_BYTES = 24
_MODE = 0o600


def sip_secret_name(number: str) -> str:
    """The name of a phone's SIP password in the secrets file."""
    return f"sip/{number}"


def app_secret_name(client_id: str) -> str:
    """The name of an app's client secret in the secrets file."""
    return f"app/{client_id}"


def user_password_name(user_id: int) -> str:
    """The name of a user's password in the secrets file."""
    return f"user/{user_id}"


def verba_key_name(name: str) -> str:
    """The name of a Verba key in the secrets file."""
    return f"{_VERBA_KEY}{name}"


def verba_password_name(name: str) -> str:
    """The name of a Verba user's password in the secrets file."""
    return f"verba-user/{name}"


class SecretsFileError(Exception):
    """`str()` names the file and the rule, never a secret."""


class UnknownSecretError(SecretsFileError):
    """A secret of that name was never generated."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        near = difflib.get_close_matches(name, known, n=1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        super().__init__(f"no secret {name!r} was generated here{meant}")


class SecretSource(Protocol):
    """The source of the secrets that the directory file and the settings leave out."""

    def get_or_create(self, name: str) -> str:
        """The secret of that name, made at the first call. Raises SecretsFileError."""

    def get_or_create_all(self, names: Iterable[str]) -> dict[str, str]:
        """The secret of every name; those without one get a new one. Raises SecretsFileError."""

    def read_again(self) -> None:
        """Take what was changed by others since. Raises SecretsFileError."""


class KeptSecrets(SecretSource, Protocol):
    """A source that keeps the secrets, and can replace them."""

    @property
    def where(self) -> str:
        """The file or the database, for messages."""

    def names(self) -> list[str]:
        """The names of all secrets, sorted."""

    def rotate(self, names: Sequence[str]) -> None:
        """Replace these secrets by new ones, all or none.

        Raises SecretsFileError, UnknownSecretError for the first name that has no secret.
        """


def secrets_of_file(path: Path) -> dict[str, str]:
    """The secrets of that file, by name; none if there is no file. Raises SecretsFileError."""
    try:
        return _read(path) or {}
    except OSError as error:
        raise _unusable(path, error) from error


class ThrowawaySecrets:
    """For a look that must leave no trace (`uapi-bridge check`): what is not known is made up."""

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        self._known = dict(known or {})

    @classmethod
    def like(cls, path: Path) -> ThrowawaySecrets:
        """The secrets of that file, if it exists. Raises SecretsFileError."""
        return cls(secrets_of_file(path))

    def get_or_create(self, name: str) -> str:
        return self._known.get(name) or new_secret(name)

    def get_or_create_all(self, names: Iterable[str]) -> dict[str, str]:
        return {name: self.get_or_create(name) for name in names}

    def read_again(self) -> None:
        """There is nothing to read."""


class SecretsFile:
    """The file and what is in it. Several processes may use one file at the same time."""

    def __init__(self, path: Path, known: dict[str, str]) -> None:
        self.path = path
        self._known = known

    @property
    def where(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"SecretsFile({str(self.path)!r}, {len(self._known)} secrets)"

    @classmethod
    def open(cls, path: Path) -> SecretsFile:
        """Makes the file and its folder if need be. Raises SecretsFileError."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(path.parent):
                known = _read(path)
                if known is None:
                    known = {}
                    _write(path, known)
        except OSError as error:
            raise _unusable(path, error) from error
        return cls(path, known)

    def get_or_create(self, name: str) -> str:
        return self.get_or_create_all([name])[name]

    def get_or_create_all(self, names: Iterable[str]) -> dict[str, str]:
        """One write, however many are missing. Raises SecretsFileError; then nothing changed."""
        wanted = list(names)
        if any(name not in self._known for name in wanted):
            self._create(wanted)
        return {name: self._known[name] for name in wanted}

    def read_again(self) -> None:
        """Take what another process has changed since. Raises SecretsFileError."""
        try:
            self._known |= _read(self.path) or {}
        except OSError as error:
            raise _unusable(self.path, error) from error

    def names(self) -> list[str]:
        """The names of all secrets, sorted."""
        return sorted(self._known)

    def rotate(self, names: Sequence[str]) -> None:
        """Replace these secrets by new ones, all or none.

        Raises SecretsFileError, UnknownSecretError for the first name that has no secret.
        """
        try:
            with _locked(self.path.parent):
                present = _read(self.path) or {}
                for name in names:
                    if name not in present:
                        raise UnknownSecretError(name, list(present))
                changed = present | {name: new_secret(name) for name in names}
                _write(self.path, changed)
        except OSError as error:
            raise _unusable(self.path, error) from error
        self._known = changed

    def _create(self, wanted: list[str]) -> None:
        try:
            with _locked(self.path.parent):
                # Another process may have made some of them meanwhile: theirs count.
                merged = {name: new_secret(name) for name in wanted}
                merged |= self._known | (_read(self.path) or {})
                _write(self.path, merged)
        except OSError as error:
            raise _unusable(self.path, error) from error
        self._known = merged


def new_secret(name: str) -> str:
    """A random secret in the form that a secret of this name has."""
    if name.startswith(_VERBA_KEY):
        return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))
    while True:
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        # SIPp takes such a password for hexadecimal digits, and its phone cannot register.
        if not secret.startswith("0x"):
            return secret


def _unusable(path: Path, error: OSError) -> SecretsFileError:
    return SecretsFileError(f"{path}: cannot keep secrets here: {error.strerror or error}")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process and one thread at a time; the lock ends with the process that holds it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _read(path: Path) -> dict[str, str] | None:
    """None if the file does not exist."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, encoding="utf-8") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise SecretsFileError(
                f"{path}: others may read it (mode {mode:04o}); run chmod 600 on it, and if they "
                "may have read it, delete it: new secrets are made at the next start"
            )
        try:
            content = json.load(file)
        except ValueError:  # its text could quote the file, so it is not passed on
            raise SecretsFileError(f"{path}: not a JSON file") from None
    if not isinstance(content, dict) or not all(
        isinstance(value, str) and value for value in content.values()
    ):
        raise SecretsFileError(f"{path}: must be one JSON object of non-empty texts")
    return content


def _write(path: Path, content: dict[str, str]) -> None:
    """All or nothing, and never readable by others, not even for a moment."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2, sort_keys=True)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
