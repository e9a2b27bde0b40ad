"""Coalesces requests: many callers, one run, after a delay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class CoalescedWork:
    """Runs `work` `delay_s` after the first request; a request during the delay causes one more
    run."""

    def __init__(self, delay_s: float, work: Callable[[], None]) -> None:
        self._delay_s = delay_s
        self._work = work
        self._timer: asyncio.TimerHandle | None = None
        self._again = False

    def request(self) -> None:
        """Ask for one more run."""
        if self._timer is not None:
            self._again = True
            return
        self._timer = asyncio.get_running_loop().call_later(self._delay_s, self._begin)

    def stop(self) -> None:
        """Cancel what was requested and has not begun."""
        if self._timer is not None:
            self._timer.cancel()

    def _begin(self) -> None:
        self._timer = None
        if self._again:
            self._again = False
            self.request()
        self._work()
