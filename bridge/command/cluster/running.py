"""Running a command on the database of the settings: its faults as exit codes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import typer

from bridge.config.settings_reading import SettingsWrong, read_settings
from bridge.faults import StorageUnavailable

if TYPE_CHECKING:  # the driver of the database takes longer to load than other commands to run
    from bridge.command.cluster.database import ClusterDatabase

FAILED, WRONG, INTERRUPTED = 1, 2, 130
"""Exit codes beside 0."""

Work = Callable[["ClusterDatabase"], Awaitable[int | str]]
"""Returns the exit code, or what went wrong."""


def run(work: Work) -> None:
    """Do the work, and exit with its code. A fault goes to stderr, with the code 1."""
    from bridge.command.cluster.database import NotACluster, cluster_database

    async def in_database() -> int | str:
        async with cluster_database(read_settings()) as database:
            return await work(database)

    try:
        code = asyncio.run(in_database())
    except (SettingsWrong, NotACluster) as why:
        print(why, file=sys.stderr)
        raise typer.Exit(WRONG) from None
    except StorageUnavailable as why:
        code = str(why)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    if isinstance(code, str):
        print(code, file=sys.stderr)
        raise typer.Exit(FAILED)
    raise typer.Exit(code)
