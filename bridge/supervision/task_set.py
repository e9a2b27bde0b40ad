"""The background tasks of one owner, which ends them with itself."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from bridge.supervision.tasks import in_background


class TaskSet:
    """`name`: the name of each task in the log."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[object, object, None]) -> None:
        """Begin this work in the background; a fault of it is logged, and `stop` ends it."""
        task = in_background(work, self._name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Cancel all, and return once they have ended."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
