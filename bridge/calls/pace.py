"""Calls per second: a short queue in front of the PBX, first come first served."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

from bridge.calls.errors import TooManyCalls


class Pace:
    """Lets `per_second` calls through, `burst` of them at once after a pause.

    A caller waits at most `wait_max_ms`; who would wait longer is told so at once.
    """

    def __init__(
        self,
        per_second: float,
        burst: int,
        wait_max_ms: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval_s = 1 / per_second
        self._burst_s = (burst - 1) * self._interval_s
        self._wait_max_s = wait_max_ms / 1000
        self._clock = clock
        self._next_s = 0.0  # when the next call would be due without any burst

    async def turn(self) -> None:
        """Return when the caller may place its call.

        If the wait would be too long, raises TooManyCalls at once, with the seconds after which to
        try again.
        """
        now = self._clock()
        due = max(self._next_s, now)
        wait_s = due - self._burst_s - now
        if wait_s > self._wait_max_s:
            raise TooManyCalls("too many calls per second", math.ceil(wait_s - self._wait_max_s))
        self._next_s = due + self._interval_s
        if wait_s > 0:
            await asyncio.sleep(wait_s)
