"""The command `uapi-bridge`: `serve` and `check`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from pydantic import ValidationError

from bridge import __version__
from bridge.directory.loader import load_directory
from bridge.directory.problems import DirectoryError
from bridge.local_asterisk.errors import LocalAsteriskError
from bridge.logging_setup import set_up_logging
from bridge.pbx.readiness import is_ready, report
from bridge.secrets_file import SecretsFileError, ThrowawaySecrets
from bridge.serving import ServeError, serve
from bridge.settings import Settings
from bridge.state_folder import directory_file

EXIT_FAILED, EXIT_USAGE = 1, 2


def main() -> None:
    parser = argparse.ArgumentParser(prog="uapi-bridge", description="Calls through an HTTP API.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="run the service, with an Asterisk unless one is named")
    check = commands.add_parser("check", help="validate the settings and the directory file")
    check.add_argument("file", nargs="?", type=Path, help="default: the file of the settings")
    check.add_argument("--pbx", action="store_true", help="also whether the PBX has all it needs")
    arguments = parser.parse_args()
    try:
        settings = Settings()
    except (ValidationError, FileNotFoundError) as why:
        sys.exit(_settings_problem(why))
    if unknown := Settings.unknown_names():
        sys.exit(f"there is no setting {', '.join(unknown)}; see bridge/settings.py")
    if arguments.command == "serve":
        sys.exit(_serve(settings))
    sys.exit(_check(settings, arguments.file) or (_check_pbx(settings) if arguments.pbx else 0))


def _serve(settings: Settings) -> int | str:
    set_up_logging(settings)
    try:
        asyncio.run(serve(settings))
    except (DirectoryError, SecretsFileError, LocalAsteriskError, ServeError) as why:
        return str(why)
    except KeyboardInterrupt:
        return 0
    return 0


def _check(settings: Settings, file: Path | None) -> int | str:
    path = file or directory_file(settings)
    try:
        directory = load_directory(path, ThrowawaySecrets())
    except DirectoryError as why:
        return str(why)
    print(
        f"{path}: valid, {len(directory.organizations)} organizations, {len(directory.users)} "
        f"users, {len(directory.extensions)} extensions, {len(directory.apps)} apps"
    )
    return 0


def _check_pbx(settings: Settings) -> int | str:
    from bridge.pbx_check import check_pbx  # loads what `serve` loads while Asterisk starts

    try:
        findings = asyncio.run(check_pbx(settings))
    except SecretsFileError as why:
        return str(why)
    print(report(findings))
    return 0 if is_ready(findings) else EXIT_FAILED


def _settings_problem(why: ValidationError | FileNotFoundError) -> str:
    if isinstance(why, FileNotFoundError):
        return str(why)
    lines = [
        f"setting BRIDGE_{'_'.join(str(x) for x in error['loc']).upper()}: {error['msg']}"
        for error in why.errors()
    ]
    return "\n".join(lines)
