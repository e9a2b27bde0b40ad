"""What the commands do. Each returns what `sys.exit` takes: 0, or what is wrong.

What only one of them needs is loaded there: Asterisk is to start before the service is loaded.
"""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from bridge import serving
from bridge.directory.problems import DirectoryError
from bridge.local_asterisk.errors import LocalAsteriskError
from bridge.logging_setup import set_up_logging
from bridge.secrets_file import SecretsFileError, ThrowawaySecrets
from bridge.settings import Settings
from bridge.shipped_dialplan import attention
from bridge.state_folder import StateFolderInUse, directory_file

if TYPE_CHECKING:
    from bridge.directory.directory import Directory

EXIT_FAILED = 1

ExitCode = int | str


class _SettingsWrong(Exception):
    """`str()` has one line for each that is."""


def serve() -> ExitCode:
    """`uapi-bridge serve`, until it is told to stop."""
    try:
        settings = _settings()
        set_up_logging(settings)
        asyncio.run(serving.serve(settings))
    except KeyboardInterrupt:
        return 0
    except (
        _SettingsWrong,
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
    try:
        settings = _settings()
        directory = _check_directory(file or directory_file(settings))
        if not settings.pbx_host and (unknown := attention(directory)):
            print(f"note: {unknown}")
        return _check_pbx(settings, directory.services_context) if pbx else 0
    except (_SettingsWrong, DirectoryError, SecretsFileError) as why:
        return str(why)


def console(command: str, *, public_network: bool) -> ExitCode:
    """`uapi-bridge console`: its exit code is that of Asterisk's own console."""
    from bridge.local_asterisk.console import console_command

    try:
        folder = _settings().state_dir / "asterisk"
        line = console_command(folder, command, public_network=public_network)
    except (_SettingsWrong, LocalAsteriskError) as why:
        return str(why)
    return subprocess.run(line, check=False).returncode


def _check_directory(path: Path) -> Directory:
    from bridge.directory.loader import load_directory

    directory = load_directory(path, ThrowawaySecrets())
    print(
        f"{path}: valid, {len(directory.organizations)} organizations, {len(directory.users)} "
        f"users, {len(directory.extensions)} extensions, {len(directory.apps)} apps"
    )
    return directory


def _check_pbx(settings: Settings, services_context: str) -> ExitCode:
    from bridge.pbx.readiness import is_ready, report
    from bridge.pbx_check import check_pbx

    findings = asyncio.run(check_pbx(settings, services_context))
    print(report(findings))
    return 0 if is_ready(findings) else EXIT_FAILED


def _settings() -> Settings:
    try:
        settings = Settings()
    except FileNotFoundError as why:
        raise _SettingsWrong(str(why)) from None
    except ValidationError as why:
        raise _SettingsWrong(_problems(why)) from None
    if unknown := Settings.unknown_names():
        raise _SettingsWrong(f"there is no setting {', '.join(unknown)}; see bridge/settings.py")
    return settings


def _problems(why: ValidationError) -> str:
    return "\n".join(
        f"setting{_named(error['loc'])}: {error['msg'].removeprefix('Value error, ')}"
        for error in why.errors()
    )


def _named(location: tuple[int | str, ...]) -> str:
    """Empty where several do not fit each other; the message names them then."""
    return f" BRIDGE_{'_'.join(map(str, location)).upper()}" if location else "s"
