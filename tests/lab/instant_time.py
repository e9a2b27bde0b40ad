"""Tests whose waiting takes no time, and after which nothing more can come.

The clock of their event loop stands still while anything can run, and then jumps to the next timer.
So `asyncio.sleep(3600)` lets an hour pass, surely and at once: `asyncio.sleep`, `call_later`,
`asyncio.timeout` and `bridge.clock.now_ms` see the same clock in the tested code. For tests without
sockets and threads, whose answers take real time.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
import time
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any, ParamSpec
from unittest import mock

_STEP_S = 1e-6  # what is lost of a timer's moment by rounding would be waited for again and again
_Given = ParamSpec("_Given")


def instant(test: Callable[_Given, Coroutine[Any, Any, None]]) -> Callable[_Given, None]:
    """Run the test on such a loop. Its fixtures must not be async ones."""

    @functools.wraps(test)
    def run(*args: _Given.args, **kwargs: _Given.kwargs) -> None:
        loop = _InstantLoop()
        wall_clock = SimpleNamespace(time_ns=loop.time_ns)
        with (
            mock.patch("bridge.clock.time", wall_clock),
            asyncio.Runner(loop_factory=lambda: loop) as runner,
        ):
            runner.run(test(*args, **kwargs))

    return run


class _InstantLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.now_s = 0.0
        self._began_ns = time.time_ns()
        super().__init__(_Jumping(self))

    def time(self) -> float:
        return self.now_s

    def time_ns(self) -> int:
        return self._began_ns + int(self.now_s * 1_000_000_000)


class _Jumping(selectors.DefaultSelector):
    """Instead of a wait for the next timer, the clock jumps to its time."""

    def __init__(self, loop: _InstantLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("nothing is left that could happen, and the test still waits")
        ready = super().select(0)
        if not ready:
            self._loop.now_s += max(_STEP_S, timeout) if timeout else 0.0
        return ready
