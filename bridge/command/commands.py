"""The commands of `uapi-bridge`. Each returns what `sys.exit` takes: 0, or what is wrong.

Each command imports its own modules, because Asterisk must start before the service is loaded.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.command import serving
from bridge.config.logging_setup import set_up_logging
from bridge.config.secrets_file import SecretsFileError, ThrowawaySecrets
from bridge.config.settings import Settings
from bridge.config.settings_reading import SettingsWrong, read_settings
from bridge.config.state_folder import StateFolderInUse
from bridge.directory.loader import EXAMPLE_FILE
from bridge.directory.problems import DirectoryError
from bridge.local_asterisk.errors import LocalAsteriskError
from bridge.local_asterisk.shipped_dialplan import unreachable_extensions_note

if TYPE_CHECKING:
    from bridge.directory.directory import Directory

EXIT_FAILED = 1

ExitCode = int | str


def serve() -> ExitCode:
    """`uapi-bridge serve`, until it is told to stop."""
    try:
        settings = read_settings()
        set_up_logging(settings)
        asyncio.run(serving.serve(settings))
    except KeyboardInterrupt:
        return 0
    except (
        SettingsWrong,
        DirectoryError,
        SecretsFileError,
        StateFolderInUse,
        LocalAsteriskError,
        serving.ServeError,
    ) as why:
        return str(why)
    return 0


def check(file: Path | None, *, pbx: bool) -> ExitCode:
    """`uapi-bridge check`; `file` None means the directory file of the settings."""
    from bridge.directory.weak_secrets import weak_secret_notes

    try:
        settings = read_settings()
        directory = _check_directory(file or settings.directory_file or EXAMPLE_FILE)
        if not settings.pbx_host and (unknown := unreachable_extensions_note(directory)):
            print(f"note: {unknown}")
        for weak in weak_secret_notes(directory):
            print(f"note: {weak}")
        return _check_pbx(settings, directory) if pbx else 0
    except (SettingsWrong, DirectoryError, SecretsFileError) as why:
        return str(why)


def console(command: str, *, public_network: bool) -> ExitCode:
    """`uapi-bridge console`. Asterisk's own console exits with 0 for an unknown command; here that
    is a failure."""
    from bridge.local_asterisk.console import console_command

    try:
        folder = read_settings().state_dir / "asterisk"
        line = console_command(folder, command, public_network=public_network)
    except (SettingsWrong, LocalAsteriskError) as why:
        return str(why)
    done = subprocess.run(line, stdout=subprocess.PIPE, text=True, errors="replace", check=False)
    sys.stdout.write(done.stdout)
    unknown = any(x.startswith("No such command") for x in done.stdout.splitlines()[:3])
    return done.returncode or (EXIT_FAILED if unknown else 0)


def settings() -> ExitCode:
    """`uapi-bridge settings`: lists all settings with their defaults."""
    from bridge.config.settings_listing import settings_listing

    print(settings_listing())
    return 0


def _check_directory(path: Path) -> Directory:
    from bridge.directory.loader import load_directory

    directory = load_directory(path, ThrowawaySecrets())
    print(
        f"{path}: valid, {len(directory.organizations)} organizations, {len(directory.users)} "
        f"users, {len(directory.extensions)} extensions, {len(directory.apps)} apps"
    )
    return directory


def _check_pbx(settings: Settings, directory: Directory) -> ExitCode:
    from bridge.command.check_pbx import check_pbx
    from bridge.pbx.readiness.finding import is_ready, report
    from bridge.wiring.pbx import ami_settings

    if not settings.pbx_host:
        where = ami_settings(settings, ThrowawaySecrets()).where
        print(
            f"note: BRIDGE_PBX_HOST is not set; this looks for the Asterisk of `serve`, at {where}"
        )
    findings = asyncio.run(check_pbx(settings, directory))
    print(report(findings))
    return 0 if is_ready(findings) else EXIT_FAILED
