"""Calls per second: a short queue in front of the PBX, first come first served."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

from bridge.calls.errors import TooManyCalls

_ROUNDING = 1e-6


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
        self.at_once = burst + math.floor(self._wait_max_s / self._interval_s + _ROUNDING)
        """So many calls are taken at the same moment, after a pause."""
        self.window_s = math.ceil(self.at_once * self._interval_s)
        """After so long as many are taken again."""

    @property
    def left(self) -> int:
        """How many calls would be taken now."""
        room_s = self._burst_s + self._wait_max_s - max(0.0, self._next_s - self._clock())
        return min(self.at_once, max(0, 1 + math.floor(room_s / self._interval_s + _ROUNDING)))

    @property
    def more_in_s(self) -> int | None:
        """Whole seconds until one more would be taken; None: as many as at any time."""
        behind_s = self._next_s - self._clock()
        if behind_s <= 0:
            return None
        over_s = behind_s - self._burst_s - self._wait_max_s
        return math.ceil(over_s if over_s > 0 else behind_s % self._interval_s or self._interval_s)

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
