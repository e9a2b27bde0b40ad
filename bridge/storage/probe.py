"""Finds out whether the database can be written before somebody needs it."""

from __future__ import annotations

import asyncio
import contextlib

from bridge.clock import now_ms
from bridge.faults import StorageUnavailable
from bridge.storage.statement import Statement
from bridge.storage.write_queue import WriteQueue
from bridge.supervision.tasks import LivingTask, must_live

ROUND_S = 0.5
WRITE_EVERY_S = 10.0

_WRITE = Statement(
    "INSERT INTO storage_probes (name, at_ms) VALUES (:name, :at_ms)"
    " ON CONFLICT (name) DO UPDATE SET at_ms = excluded.at_ms"
)


class StorageProbe:
    """While nothing is written, a transaction is tried twice a second: a server that hangs, and a
    lock of another process, show in `WriteQueue.problem` then.

    A full disk refuses only what needs room. So at the start, every ten seconds and while the last
    write has failed, the transaction writes a row. `name`: the row of this service.
    """

    def __init__(self, queue: WriteQueue, name: str) -> None:
        self._queue = queue
        self._name = name
        self._task: LivingTask | None = None
        self._wrote_s = 0.0  # of the loop's clock

    async def start(self) -> None:
        """Returns when the first row is written, or cannot be."""
        await self._write()
        self._task = must_live(self._rounds(), "storage_probe")

    async def stop(self) -> None:
        """End the probing, and return once it has ended."""
        if self._task is not None:
            await self._task.stop()

    async def _rounds(self) -> None:
        while True:
            await asyncio.sleep(ROUND_S)
            due = asyncio.get_running_loop().time() - self._wrote_s >= WRITE_EVERY_S
            if due or self._queue.problem:
                await self._write()
            elif self._queue.idle_s >= ROUND_S:
                with contextlib.suppress(StorageUnavailable):
                    await self._queue.submit()

    async def _write(self) -> None:
        at_ms = now_ms()
        with contextlib.suppress(StorageUnavailable):  # the queue remembers why
            await self._queue.submit(_WRITE.write(name=self._name, at_ms=at_ms, counted=False))
            self._wrote_s = asyncio.get_running_loop().time()
