"""What the commands do. Each returns what `sys.exit` takes: 0, or what is wrong.

What only one of them needs is loaded there: Asterisk is to start before the service is loaded.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import ValidationError

from bridge import serving
from bridge.directory.problems import DirectoryError
from bridge.local_asterisk.errors import LocalAsteriskError
from bridge.logging_setup import set_up_logging
from bridge.secrets_file import SecretsFileError, ThrowawaySecrets
from bridge.settings import Settings
from bridge.state_folder import StateFolderInUse, directory_file

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
        _check_directory(file or directory_file(settings))
        return _check_pbx(settings) if pbx else 0
    except (_SettingsWrong, DirectoryError, SecretsFileError) as why:
        return str(why)


def _check_directory(path: Path) -> None:
    from bridge.directory.loader import load_directory

    directory = load_directory(path, ThrowawaySecrets())
    print(
        f"{path}: valid, {len(directory.organizations)} organizations, {len(directory.users)} "
        f"users, {len(directory.extensions)} extensions, {len(directory.apps)} apps"
    )


def _check_pbx(settings: Settings) -> ExitCode:
    from bridge.pbx.readiness import is_ready, report
    from bridge.pbx_check import check_pbx

    findings = asyncio.run(check_pbx(settings))
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
