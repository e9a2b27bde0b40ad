"""The command `uapi-bridge`: `serve`, `check` and `console`."""

from __future__ import annotations

import argparse
import gc
import signal
import sys
from pathlib import Path

from bridge import __version__


def main() -> None:
    parser = argparse.ArgumentParser(prog="uapi-bridge", description="Calls through an HTTP API.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="run the service, with an Asterisk unless one is named")
    check = commands.add_parser("check", help="validate the settings and the directory file")
    check.add_argument("file", nargs="?", type=Path, help="default: the file of the settings")
    check.add_argument("--pbx", action="store_true", help="also whether the PBX has all it needs")
    console = commands.add_parser("console", help="a console command of the Asterisk of `serve`")
    console.add_argument("command_line", metavar="COMMAND", help='e.g. "core show channels"')
    console.add_argument(
        "--public-network", action="store_true", help="of the simulated public network"
    )
    arguments = parser.parse_args()

    # Nothing that is loaded is ever garbage, and searching it again and again takes a tenth of the
    # time. `check` is over too soon to need a search; `serve` says when it may begin.
    gc.disable()
    # Not before the arguments are known to be good: --help and a typo are answered at once.
    from bridge import commands as run

    if arguments.command == "serve":
        sys.exit(run.serve())
    # Who reads a part of the output only, with head, is to see no traceback.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if arguments.command == "check":
        sys.exit(run.check(arguments.file, pbx=arguments.pbx))
    sys.exit(run.console(arguments.command_line, public_network=arguments.public_network))
