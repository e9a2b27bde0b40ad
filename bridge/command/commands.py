"""The commands of `uapi-bridge`. Each returns what `sys.exit` takes: 0, or what is wrong.

Each command imports its own modules, because Asterisk must start before the service is loaded.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.command import serving
from bridge.command.event_loop import event_loop_factory
from bridge.command.json_text import json_text
from bridge.command.known_secrets import known_secrets, secrets_of_instances
from bridge.config.logging_setup import set_up_logging
from bridge.config.secrets_file import (
    AMI_RECORDING_SECRET,
    AMI_SECRET,
    ARI_SECRET,
    KeptSecrets,
    SecretsFile,
    SecretsFileError,
    ThrowawaySecrets,
    UnknownSecretError,
)
from bridge.config.settings import Settings
from bridge.config.settings_reading import SettingsWrong, read_settings
from bridge.config.state_folder import SECRETS_FILE, StateFolderInUse
from bridge.directory.loader import EXAMPLE_FILE
from bridge.directory.problems import DirectoryError
from bridge.local_asterisk.errors import LocalAsteriskError
from bridge.local_asterisk.shipped_dialplan import unreachable_extensions_note

if TYPE_CHECKING:
    from bridge.directory.directory import Directory

EXIT_FAILED = 1
EXIT_WRONG = 2
EXIT_INTERRUPTED = 130

ExitCode = int | str


def serve() -> ExitCode:
    """`uapi-bridge serve`, until it is told to stop."""
    try:
        settings = read_settings()
        set_up_logging(settings)
        with asyncio.Runner(loop_factory=event_loop_factory(settings.event_loop)) as runner:
            runner.run(serving.serve(settings))
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
    except ModuleNotFoundError as why:
        if why.name != "uvloop":
            raise
        return (
            "BRIDGE_EVENT_LOOP is uvloop, which is not installed: pip install 'uapi-bridge[fast]'"
        )
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


def settings(*, values: bool, json: bool) -> ExitCode:
    """`uapi-bridge settings`: all settings with their defaults, or with `values` those in force."""
    from bridge.config.settings_listing import settings_listing
    from bridge.config.settings_values import as_lines, as_objects, settings_values

    if not values and not json:
        print(settings_listing())
        return 0
    try:
        found = settings_values(read_settings())
    except SettingsWrong as why:
        return str(why)
    print(json_text(as_objects(found)) if json else as_lines(found))
    return 0


def rotate_secrets(names: Sequence[str]) -> ExitCode:
    """`uapi-bridge secret rotate`; what has to be done next is printed."""
    try:
        secrets = _existing_secrets()
        secrets.rotate(names)
    except (SettingsWrong, SecretsFileError) as why:
        return str(why)
    for name in names:
        print(f"{name}: new in {secrets.where}")
    restart = set(names) & {AMI_SECRET, AMI_RECORDING_SECRET, ARI_SECRET}
    if restart:
        next_step = "Restart the service and its Asterisk now: until then the old ones are in use."
    elif isinstance(secrets, SecretsFile):
        next_step = "Send SIGHUP to the service now: until then the old ones are in use."
    else:
        next_step = "All instances take them within seconds."
    print(next_step)
    return 0


def list_secrets() -> ExitCode:
    """`uapi-bridge secret list`: names only."""
    try:
        print("\n".join(_existing_secrets().names()))
    except (SettingsWrong, SecretsFileError) as why:
        return str(why)
    return 0


def show_secret(name: str) -> ExitCode:
    """`uapi-bridge secret show`: the secret alone, for a program."""
    try:
        secrets = _existing_secrets()
        if name not in secrets.names():
            raise UnknownSecretError(name, secrets.names())
        print(secrets.get_or_create(name))
    except (SettingsWrong, SecretsFileError) as why:
        return str(why)
    return 0


def hash_password() -> ExitCode:
    """`uapi-bridge secret hash`: the hash for the directory file. A terminal is asked twice."""
    from bridge.access.password_hash import hash_of
    from bridge.directory.weak_secrets import weakness

    if sys.stdin.isatty():
        password = getpass("Password: ")
        if getpass("Once more: ") != password:
            return "the two are not the same"
    else:
        password = sys.stdin.readline().rstrip("\n")
    try:
        print(hash_of(password))
    except ValueError as why:
        return str(why)
    if weak := weakness(password, ""):
        print(f"note: the password {weak}", file=sys.stderr)
    return 0


def diff_directories(file: Path, against: Path | None, *, json: bool) -> ExitCode:
    """`uapi-bridge directory diff`: 0: no difference, 1: there is one, 2: a file is wrong."""
    from bridge.command.directory_diff import SecretsByName, as_lines, as_objects, differences
    from bridge.directory.loader import load_directory

    try:
        before = against or read_settings().directory_file or EXAMPLE_FILE
        secrets = SecretsByName()
        found = differences(load_directory(before, secrets), load_directory(file, secrets))
    except (SettingsWrong, DirectoryError, SecretsFileError) as why:
        print(why, file=sys.stderr)
        return EXIT_WRONG
    print(json_text(as_objects(found)) if json else as_lines(found))
    return EXIT_FAILED if found else 0


def push_directory(file: Path) -> ExitCode:
    """`uapi-bridge directory push`: of several instances."""
    from bridge.command.directory_push import NoOthers, push
    from bridge.faults import StorageUnavailable

    try:
        version = push(read_settings(), file)
    except (SettingsWrong, DirectoryError, NoOthers) as why:
        print(why, file=sys.stderr)
        return EXIT_WRONG
    except StorageUnavailable as why:
        return f"the database cannot be used: {why}"
    print(f"{file}: version {version}; all instances use it within seconds")
    return 0


def upgrade_asterisk(*, newest: bool, remove_unused: bool) -> ExitCode:
    """`uapi-bridge asterisk upgrade`."""
    from bridge.command.asterisk_upgrade import upgrade

    try:
        return asyncio.run(upgrade(read_settings(), newest=newest, remove_unused=remove_unused))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except (SettingsWrong, LocalAsteriskError) as why:
        return str(why)


def _existing_secrets() -> KeptSecrets:
    """Raises SettingsWrong, SecretsFileError; also where there is no file, and makes none."""
    settings = read_settings()
    if settings.instance_name:
        return secrets_of_instances(settings)
    path = settings.state_dir / SECRETS_FILE
    if not path.is_file():
        raise SecretsFileError(f"{path}: there is no such file; BRIDGE_STATE_DIR names its folder")
    return SecretsFile.open(path)


def _check_directory(path: Path) -> Directory:
    from bridge.directory.loader import load_directory

    directory = load_directory(path, ThrowawaySecrets())
    print(
        f"{path}: valid, {len(directory.organizations)} organizations, {len(directory.users)} "
        f"users, {len(directory.extensions)} extensions, {len(directory.apps)} apps"
    )
    return directory


def _check_pbx(settings: Settings, directory: Directory) -> ExitCode:
    """Of several PBXs each, under its name."""
    from bridge.command.check_pbx import check_pbx
    from bridge.config.pbx_entries import settings_of_pbxs
    from bridge.pbx.readiness.finding import is_ready, report
    from bridge.wiring.pbx import ami_settings

    if not settings.pbx_host:
        where = ami_settings(settings, ThrowawaySecrets()).where
        print(
            f"note: BRIDGE_PBX_HOST is not set; this looks for the Asterisk of `serve`, at {where}"
        )
    secrets = known_secrets(settings)
    ready = True
    for of_pbx in settings_of_pbxs(settings):
        if settings.pbx:
            print(f"PBX {of_pbx.pbx_name}")
        findings = asyncio.run(check_pbx(of_pbx, directory, secrets))
        print(report(findings))
        ready = ready and is_ready(findings)
    return 0 if ready else EXIT_FAILED
