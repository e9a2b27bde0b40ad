"""Processes of several instances, and what they left in the database."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.storage.engine import reading

_END_LIMIT_S = 20


class InstanceProcess:
    """`async with instance(...)`; killed at the end, if it has not ended."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def end_calls(self, number: int, extension: str) -> None:
        """Return once it has made the rows of the events; they are on disk soon after."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"end {number} {extension}\n".encode())
        await self.says("made")

    async def says(self, word: str) -> None:
        assert self._process.stdout is not None
        said = (await self._process.stdout.readline()).decode()
        assert said == f"{word}\n", said

    def send_signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def ended(self) -> None:
        await asyncio.wait_for(self._process.wait(), _END_LIMIT_S)


@asynccontextmanager
async def instance(name: str, database_url: str, folder: Path) -> AsyncIterator[InstanceProcess]:
    with (folder / f"{name}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.cluster.delivering_instance", name, database_url, str(folder / name)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    running = InstanceProcess(process)
    try:
        await running.says("ready")
        yield running
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
            await process.wait()


async def holders(engine: AsyncEngine) -> dict[str, str]:
    """Who holds which shard, by the name of its resource."""
    found = await rows(engine, "SELECT resource, holder FROM leases WHERE holder <> ''")
    return {x.resource: x.holder for x in found}


async def rows(engine: AsyncEngine, query: str) -> list[Any]:
    async with reading(engine) as connection:
        return list((await connection.execute(text(query))).all())
