"""The state folder and what the settings lead to: generated secrets, the directory in force.

Apart from the wiring, because the command line needs them long before all else is loaded.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.config.secrets_file import SecretsFile
from bridge.config.settings import Settings

SECRETS_FILE = "secrets.json"
LOCK_FILE = "lock"


class StateFolderInUse(Exception):
    """Another service works with it. `str()` says which."""


@contextmanager
def state_folder_locked(settings: Settings) -> Iterator[None]:
    """Only one service at a time: two would each take the other's calls for their own.

    Raises StateFolderInUse, OSError where the folder cannot be written.
    """
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(settings.state_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateFolderInUse(
                f"another uapi-bridge (process {lock.read().strip() or 'unknown'}) uses the state "
                f"folder {settings.state_dir}"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def open_secrets(settings: Settings) -> SecretsFile:
    """The generated secrets of the state folder, made at the first start."""
    return SecretsFile.open(settings.state_dir / SECRETS_FILE)
