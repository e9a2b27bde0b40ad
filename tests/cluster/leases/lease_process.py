"""An instance that does nothing but hold leases, for tests that kill and freeze it.

Its one argument is a JSON object: `name`, `database`, `resources`, `clock_ahead_s`. Each
line that it prints is JSON: a line of the log, or a call of its listener with its moment by the
monotonic clock.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from typing import Any

import structlog

from bridge.cluster.lease import Lease
from bridge.cluster.lease_keeper import LeaseKeeper
from bridge.cluster.opened_leases import opened_leases
from bridge.storage.engine import open_engine
from bridge.supervision.tasks import in_background, supervisor

_OFTEN_S = 0.005


class _Telling:
    """`acted_at_s`: when this instance could last have acted for the resource."""

    def __init__(self, keeper: LeaseKeeper, resource: str) -> None:
        self._keeper = keeper
        self._resource = resource
        self.acted_at_s = 0.0

    async def act(self) -> None:
        while True:
            if self._keeper.held(self._resource):
                self.acted_at_s = time.monotonic()
            await asyncio.sleep(_OFTEN_S)  # it acts all the time, as long as it may

    def won(self, lease: Lease) -> None:
        self._tell("won", lease)

    def paused(self, lease: Lease) -> None:
        self._tell("paused", lease)

    def resumed(self, lease: Lease) -> None:
        self._tell("resumed", lease)

    def lost(self, lease: Lease) -> None:
        self._tell("lost", lease)

    async def hand_over(self, lease: Lease) -> None:
        self._tell("hand_over", lease)

    def _tell(self, heard: str, lease: Lease) -> None:
        if lease.resource == self._resource:
            at_s = time.monotonic()
            _say(heard=heard, epoch=lease.epoch, at_s=at_s, acted_at_s=self.acted_at_s)


def _say(**values: object) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def _set_wall_clock_ahead(by_s: float) -> None:
    right_s, right_ns = time.time, time.time_ns
    time.time = lambda: right_s() + by_s
    time.time_ns = lambda: right_ns() + int(by_s * 1e9)


async def _run(name: str, database: str, resources: list[str], clock_ahead_s: float) -> int:
    _set_wall_clock_ahead(clock_ahead_s)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    engine = open_engine(database)
    async with opened_leases(engine, name, f"http://{name}", resources) as leases:
        telling = _Telling(leases.keeper, resources[0])
        leases.keeper.listen("", telling)
        leases.keeper.start()
        in_background(telling.act(), "act")
        ends = {asyncio.ensure_future(x) for x in (stopped.wait(), _died())}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    return 1 if supervisor().problem else 0


async def _died() -> None:
    await supervisor().until_a_task_died()


def _in_json(_logger: Any, _method: str, line: structlog.typing.EventDict) -> str:
    return json.dumps(line, default=str)


if __name__ == "__main__":
    structlog.configure(
        processors=[structlog.processors.add_log_level, _in_json],
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
    )
    sys.exit(asyncio.run(_run(**json.loads(sys.argv[1]))))
