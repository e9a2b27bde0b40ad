"""An event of the log that anybody can cause as often as they like."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context

INTERVAL_S = 60.0


class RepeatedEvent:
    """One line when it happens, then at most one per interval with how often it happened in it.

    `tell` writes the line; it gets the number of times. Used in the event loop.
    """

    def __init__(self, tell: Callable[[int], None], interval_s: float = INTERVAL_S) -> None:
        self._tell = tell
        self._interval_s = interval_s
        self._untold = 0
        self._pausing: asyncio.TimerHandle | None = None

    def happened(self) -> None:
        """Count one occurrence; the first is reported at once."""
        if self._pausing is not None:
            self._untold += 1
            return
        self._tell(1)
        self._pause()

    def close(self) -> None:
        """Report the number that has not been reported yet."""
        if self._pausing is not None:
            self._pausing.cancel()
            self._pausing = None
        if self._untold:
            times, self._untold = self._untold, 0
            self._tell(times)

    def _pause(self) -> None:
        loop = asyncio.get_running_loop()
        # Of no request: else the number would be logged with the id of the first one.
        self._pausing = loop.call_later(self._interval_s, self._go_on, context=Context())

    def _go_on(self) -> None:
        self._pausing = None
        if self._untold:
            times, self._untold = self._untold, 0
            self._tell(times)
            self._pause()
