"""Every command of `uapi-bridge` with its arguments. Loaded for all but a plain `serve`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from bridge import __version__
from bridge.command import commands
from bridge.command.cluster.commands import app as cluster_app
from bridge.command.commands import ExitCode
from bridge.command.flow.commands import app as flow_app
from bridge.command.load.command import load
from bridge.command.remote.commands import app as of_a_running_service

_Json = Annotated[bool, typer.Option("--json", help="for programs")]


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
secret_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
directory_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
asterisk_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _uapi_bridge(
    *,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    """Calls through an HTTP API."""


@app.command()
def serve() -> None:
    """Run the service, with an Asterisk unless one is named."""
    sys.exit(commands.serve())


@app.command()
def check(
    file: Annotated[
        Optional[Path],  # noqa: UP045 - as typer reads it
        typer.Argument(help="a directory file; default: the file of the settings"),
    ] = None,
    *,
    pbx: Annotated[
        bool, typer.Option("--pbx", help="also whether the PBX has all that the service needs")
    ] = False,
) -> None:
    """Validate the settings and the directory file."""
    sys.exit(commands.check(file, pbx=pbx))


@app.command()
def console(
    words: Annotated[list[str], typer.Argument(metavar="COMMAND", help="core show channels")],
    *,
    public_network: Annotated[
        bool, typer.Option("--public-network", help="of the simulated public network")
    ] = False,
) -> None:
    """A console command of the Asterisk of `serve`."""
    sys.exit(commands.console(" ".join(words), public_network=public_network))


@app.command()
def settings(
    *,
    values: Annotated[
        bool, typer.Option("--values", help="the value in force, and its origin")
    ] = False,
    json: _Json = False,
) -> None:
    """Every setting with its default, as lines of an .env file."""
    sys.exit(commands.settings(values=values, json=json))


@secret_app.command("rotate")
def secret_rotate(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="app/user-12, sip/0003*210")],
) -> None:
    """Replace generated secrets by new ones."""
    _exit(commands.rotate_secrets(names))


@secret_app.command("list")
def secret_list() -> None:
    """The names of the generated secrets."""
    _exit(commands.list_secrets())


@secret_app.command("show")
def secret_show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="app/user-12")],
) -> None:
    """Print one generated secret."""
    _exit(commands.show_secret(name))


@secret_app.command("hash")
def secret_hash() -> None:
    """The hash of a user's password, for the directory file."""
    _exit(commands.hash_password())


@directory_app.command("diff")
def directory_diff(
    file: Annotated[Path, typer.Argument(help="the file that is to be used")],
    against: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Argument(help="default: the file of the settings"),
    ] = None,
    *,
    json: _Json = False,
) -> None:
    """Show the changes that a directory file would make. Exits with 1 if there is one."""
    _exit(commands.diff_directories(file, against, json=json))


@directory_app.command("push")
def directory_push(
    file: Annotated[Path, typer.Argument(help="the file that all instances shall use")],
) -> None:
    """Have all of several instances use a directory file."""
    _exit(commands.push_directory(file))


@asterisk_app.command("upgrade")
def asterisk_upgrade(
    *,
    newest: Annotated[
        bool, typer.Option("--newest", help="the version of the mirror, not the tested one")
    ] = False,
    remove_unused: Annotated[
        bool, typer.Option("--remove-unused", help="other versions that no process uses")
    ] = False,
) -> None:
    """Make the private Asterisk that the next `serve` uses."""
    _exit(commands.upgrade_asterisk(newest=newest, remove_unused=remove_unused))


def _exit(code: ExitCode) -> None:
    sys.exit(code)


app.command()(load)
app.add_typer(secret_app, name="secret", help="The generated secrets.")
app.add_typer(directory_app, name="directory", help="The directory file.")
app.add_typer(asterisk_app, name="asterisk", help="The Asterisk that `serve` starts.")
app.add_typer(cluster_app, name="cluster", help="The instances over one PostgreSQL.")
app.add_typer(flow_app, name="flow", help="Call flows: who does what, who expects what.")
app.add_typer(of_a_running_service)
