"""One of several instances that share deliveries, as a process:

    python -m tests.cluster.delivering_instance NAME DATABASE_URL STATE_FOLDER

It says `ready`. For each line `end NUMBER EXTENSION` on its standard input it makes the events of
so many calls, and says `made`. At SIGTERM it hands its shards over and ends.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.cluster.lease import SHARDS, shard_resource
from bridge.cluster.lease_times import LeaseTimes
from bridge.cluster.opened_leases import opened_leases
from bridge.config.settings import Settings
from bridge.wiring.phone_call_events import SharedBy
from bridge.wiring.shared_events import shared_deliveries
from tests.integration.event_deliveries.in_process import EventsInProcess

# As in production, but for the time until an instance that has less is given its share.
TIMES = LeaseTimes(share_wait_s=0.5, settled_s=1.0)


class DeliveringInstance(EventsInProcess):
    """Its shards are those whose leases it gets."""

    def __init__(
        self, name: str, folder: Path, database_url: str, times: LeaseTimes = TIMES
    ) -> None:
        super().__init__(folder, database_url=database_url, events_timeout_s=5)
        self._name = name
        self._times = times

    async def _shared_by(
        self, settings: Settings, engine: AsyncEngine, stack: AsyncExitStack
    ) -> SharedBy | None:
        self._leases = await stack.enter_async_context(
            opened_leases(
                engine,
                self._name,
                "",
                [shard_resource(x) for x in range(SHARDS)],
                times=self._times,
            )
        )
        return shared_deliveries(settings, engine, self.queue, self._leases)

    async def _begin(self, stack: AsyncExitStack) -> None:
        self._leases.keeper.start()
        stack.push_async_callback(self._leases.keeper.stop)


async def main(name: str, database_url: str, folder: str) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    async with DeliveringInstance(name, Path(folder), database_url) as running:

        def obey() -> None:
            line = sys.stdin.readline()
            if not line:
                ended.set()
                return
            _, number, extension = line.split()
            for _ in range(int(number)):
                running.end_a_call(extension)
            print("made", flush=True)  # noqa: T201

        loop.add_reader(sys.stdin, obey)
        print("ready", flush=True)  # noqa: T201
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
