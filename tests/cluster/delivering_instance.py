"""One of several instances that share deliveries, as a process:

    python -m tests.cluster.delivering_instance NAME DATABASE_URL STATE_FOLDER

It says `ready`. For each line `end NUMBER EXTENSION` on its standard input it makes the events of
so many calls, and says `made`. At SIGTERM it hands its shards over and ends.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.cluster.hints import PostgresqlHints
from bridge.cluster.lease import SHARDS, shard_resource
from bridge.cluster.lease_connection import LeaseConnection
from bridge.cluster.lease_keeper import LeaseKeeper
from bridge.cluster.lease_store import LeaseStore, OwnInstance
from bridge.cluster.lease_times import LeaseTimes
from bridge.config.settings import Settings
from bridge.phone_call_events.deliveries import Deliveries
from bridge.phone_call_events.delivery_context import DeliveryContext
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

    def _shared_by(
        self, settings: Settings, engine: AsyncEngine
    ) -> Callable[[DeliveryContext], Deliveries] | None:
        own = OwnInstance(self._name, "", uuid.uuid4().hex, "1")
        self._connection = LeaseConnection(engine, self._name, self._times.answer_s)
        self._keeper = LeaseKeeper(
            LeaseStore(self._connection, own, self._times),
            self._name,
            [shard_resource(x) for x in range(SHARDS)],
            times=self._times,
        )
        self._connection.at_loss(self._keeper.connection_lost)
        self._hints = PostgresqlHints(self._connection)
        return shared_deliveries(settings, engine, self.queue, self._keeper, self._hints)

    async def _begin(self, stack: AsyncExitStack) -> None:
        stack.push_async_callback(self._connection.close)
        self._hints.start()
        stack.push_async_callback(self._hints.stop)
        self._keeper.start()
        stack.push_async_callback(self._keeper.stop)


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
