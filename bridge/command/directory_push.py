"""`uapi-bridge directory push`: all instances use this directory file from now on."""

from __future__ import annotations

from pathlib import Path

from bridge.cluster.shared_directory import SharedDirectory
from bridge.config.secrets_file import ThrowawaySecrets
from bridge.config.settings import Settings
from bridge.directory.loader import directory_from, read_content


class NoOthers(Exception):
    """There is one instance, which reads its own file."""


def push(settings: Settings, file: Path) -> int:
    """The version that the file has in the database.

    Raises DirectoryError for a file that is not valid, NoOthers, StorageUnavailable.
    """
    if not settings.instance_name:
        raise NoOthers(
            "BRIDGE_INSTANCE_NAME is not set: one instance reads BRIDGE_DIRECTORY_FILE at SIGHUP"
        )
    content = read_content(file)
    directory_from(content, str(file), ThrowawaySecrets())
    return SharedDirectory(settings.resolved_database_url).push(content)
