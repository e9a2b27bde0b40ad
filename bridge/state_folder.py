"""Files that the settings lead to: the generated secrets, the directory in force.

Apart from the wiring, because the command line needs them long before all else is loaded.
"""

from __future__ import annotations

from pathlib import Path

from bridge.secrets_file import SecretsFile
from bridge.settings import Settings

SECRETS_FILE = "secrets.json"


def open_secrets(settings: Settings) -> SecretsFile:
    """The generated secrets of the state folder, made at the first start."""
    return SecretsFile.open(settings.state_dir / SECRETS_FILE)


def directory_file(settings: Settings) -> Path:
    from bridge.directory.loader import EXAMPLE_FILE  # loads what reads the file

    return settings.directory_file or EXAMPLE_FILE
