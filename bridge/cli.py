"""The command `uapi-bridge`: it runs the service, and speaks to a running one."""

from __future__ import annotations

import gc
import signal
import sys


def main() -> None:
    """Run the command that the arguments name, and exit with its code.

    Wrong arguments exit with 2.
    """
    # Imports create no garbage. Collecting during them costs 3 to 9 % of the CPU time of loading
    # the service (`python -m tests.bench.pieces`). The other commands are over too soon to need a
    # search; `serve` says when it may begin.
    gc.disable()
    if sys.argv[1:] == ["serve"]:
        # The parser of all commands takes longer to load than a service may take to start.
        from bridge.command.commands import serve

        sys.exit(serve())
    # Piping into `head` must not print a traceback.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    from bridge.command.parser import app

    app(prog_name="uapi-bridge")
