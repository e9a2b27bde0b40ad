"""A thread for what waits for the disk.

`run_in_executor` would do the same with two futures, and with a lock that both threads want in the
moment when one wakes the other.

Measured: a row in a transaction of its own, without fsync, is 1.0 to 1.75 times as fast
(`python -m tests.bench.pieces`).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import TypeVar, TypeVarTuple

_Given = TypeVarTuple("_Given")
_Result = TypeVar("_Result")


class DiskThread:
    """One piece of work after the other. The thread begins with the first, and ends with `stop`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run(
        self,
        work: Callable[[*_Given], _Result],
        *given: *_Given,
        then: Callable[[_Result], object] = lambda _: None,
    ) -> _Result:
        """Return or raise as `work` does. It is done also if the caller does not wait for it.

        `then` is called with the result on the event loop, a turn before this returns. It is not
        called if the caller does not wait any more.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_Result] = loop.create_future()
        self._work.put(partial(_do, loop, answer, partial(work, *given), then))
        return await answer

    def stop(self) -> None:
        """End the thread after what it has to do."""
        if self._thread is not None:
            self._work.put(None)
            self._thread = None

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            work()


def _do(
    loop: asyncio.AbstractEventLoop,
    answer: asyncio.Future[_Result],
    work: Callable[[], _Result],
    then: Callable[[_Result], object],
) -> None:
    try:
        result = work()
    except BaseException as fault:
        loop.call_soon_threadsafe(_fail, answer, fault)
    else:
        loop.call_soon_threadsafe(_succeed, answer, result, then)


def _succeed(
    answer: asyncio.Future[_Result], result: _Result, then: Callable[[_Result], object]
) -> None:
    if answer.done():
        return
    try:
        then(result)
    except Exception as fault:
        answer.set_exception(fault)
    else:
        answer.set_result(result)


def _fail(answer: asyncio.Future[_Result], fault: BaseException) -> None:
    if not answer.done():
        answer.set_exception(fault)
