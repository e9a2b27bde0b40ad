"""A process that holds leases, as a test starts, freezes and kills it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

from bridge.testing.eventually import eventually


class LeaseInstance:
    """`lines`: what it has printed, see lease_process.py."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self._reading = asyncio.ensure_future(self._read())

    def heard(self, what: str) -> list[dict[str, Any]]:
        """The times its listener heard this, oldest first."""
        return [x for x in self.lines if x.get("heard") == what]

    def story(self) -> str:
        """All that its listener heard, as `won 1, lost 1`."""
        return ", ".join(f"{x['heard']} {x['epoch']}" for x in self.lines if "acted_at_s" in x)

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The lines of its log with this event."""
        return [x for x in self.lines if x.get("event") == event]

    async def hears(self, what: str, epoch: int, time_limit_s: float = 10.0) -> dict[str, Any]:
        """Wait until its listener hears this; the line."""
        found = await eventually(
            lambda: [x for x in self.heard(what) if x["epoch"] == epoch],
            time_limit_s,
            why=lambda: f"{self.name}: {self.lines}",
        )
        return found[0]

    def signal(self, number: signal.Signals) -> None:
        """Freeze it (SIGSTOP), let it go on (SIGCONT), or kill it."""
        self.process.send_signal(number)

    async def ended(self) -> int:
        """Its exit code, once it has ended by itself or by a signal."""
        code = await self.process.wait()
        await self._reading
        return code

    async def remove(self) -> None:
        """Kill it, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.ended()

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(json.loads(line))


@contextlib.asynccontextmanager
async def lease_instances(
    resources: list[str], clocks_ahead_s: tuple[float, float] = (0.0, 0.0), **databases: str
) -> AsyncIterator[list[LeaseInstance]]:
    """Processes by name, each with its URL of the database; the first one has all leases.

    `clocks_ahead_s`: by how much the wall clock of each is wrong.
    """
    started: list[LeaseInstance] = []
    try:
        for (name, database), ahead_s in zip(databases.items(), clocks_ahead_s, strict=True):
            wanted = {
                "name": name,
                "database": database,
                "resources": resources,
                "clock_ahead_s": ahead_s,
            }
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.cluster.leases.lease_process", json.dumps(wanted)),
                stdout=asyncio.subprocess.PIPE,
            )
            started.append(LeaseInstance(name, process))
            if len(started) == 1:
                await started[0].hears("won", 1, 15)
        await eventually(lambda: all(x.logged("instance_registered") for x in started))
        yield started
    finally:
        for instance in started:
            await instance.remove()
