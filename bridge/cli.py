"""The command `uapi-bridge`: it runs the service, and speaks to a running one."""

from __future__ import annotations

import argparse
import gc
import signal
import sys
from pathlib import Path

from bridge import __version__
from bridge.command.remote import NAMES as REMOTE_COMMANDS


def main() -> None:
    """Run the command that the arguments name, and exit with its code.

    Wrong arguments exit with 2.
    """
    parser = argparse.ArgumentParser(prog="uapi-bridge", description="Calls through an HTTP API.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="run the service, with an Asterisk unless one is named")
    check = commands.add_parser("check", help="validate the settings and the directory file")
    check.add_argument("file", nargs="?", type=Path, help="default: the file of the settings")
    check.add_argument("--pbx", action="store_true", help="also whether the PBX has all it needs")
    console = commands.add_parser("console", help="a console command of the Asterisk of `serve`")
    console.add_argument("words", metavar="COMMAND", nargs="+", help="e.g. core show channels")
    console.add_argument(
        "--public-network", action="store_true", help="of the simulated public network"
    )
    commands.add_parser("settings", help="every setting with its default, as lines of an .env file")
    for name, text in REMOTE_COMMANDS.items():
        commands.add_parser(name, help=text)
    if sys.argv[1:] and sys.argv[1] in REMOTE_COMMANDS:
        # They have a parser of their own, and load nothing of the service.
        from bridge.command.remote.commands import app

        app(prog_name="uapi-bridge")
    arguments = parser.parse_args()

    # Imports create no garbage. Collecting during them costs 3 to 9 % of the CPU time of loading
    # the service (`python -m tests.bench.pieces`). `check` is over too soon to need a search;
    # `serve` says when it may begin.
    gc.disable()
    # Not before the arguments are known to be good: --help and a typo are answered at once.
    from bridge.command import commands as run

    if arguments.command == "serve":
        sys.exit(run.serve())
    # Piping into `head` must not print a traceback.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if arguments.command == "settings":
        sys.exit(run.settings())
    if arguments.command == "check":
        sys.exit(run.check(arguments.file, pbx=arguments.pbx))
    sys.exit(run.console(" ".join(arguments.words), public_network=arguments.public_network))
