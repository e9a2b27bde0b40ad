"""The clock that all instances share: that of the database, carried on by the monotonic clock.

The wall clock of one machine may be wrong by hours, or jump. A deadline that instances tell each
other must not depend on it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.cluster.lease_connection import since_boot_s
from bridge.faults import StorageUnavailable
from bridge.storage.engine import reading

READ_EVERY_S = 5.0
"""Two quartz clocks run apart by less than a millisecond meanwhile. But another database, with a
clock of its own, may have taken over. Instances with different clocks refuse forwarded requests."""

_EXACT_MS = 100
"""An answer that took no longer is always taken: it knows of a slow drift."""

_UNKNOWN_MS = 1 << 60

_NOW = text("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)")


class SharedClock:
    """`read` gives the database's moment in ms; it raises StorageUnavailable."""

    def __init__(
        self,
        read: Callable[[], Awaitable[int]],
        monotonic_s: Callable[[], float] = since_boot_s,
    ) -> None:
        self._read = read
        self._monotonic_s = monotonic_s
        # The clock of the database is ahead of ours by something between these two.
        self._least_ahead_ms, self._most_ahead_ms = -_UNKNOWN_MS, _UNKNOWN_MS

    async def set(self) -> None:
        """Read the database's clock. Raises StorageUnavailable; the clock then runs on as before.

        The answer was true at some moment of the question. The middle of it is taken, unless that
        is less exact than what is known, and fits it.
        """
        asked_ms = self._own_ms()
        moment_ms = await self._read()
        least_ms, most_ms = moment_ms - self._own_ms(), moment_ms - asked_ms
        fits = least_ms <= self._ahead_ms <= most_ms
        if fits and most_ms - least_ms > max(self._most_ahead_ms - self._least_ahead_ms, _EXACT_MS):
            return
        self._least_ahead_ms, self._most_ahead_ms = least_ms, most_ms

    async def set_again(self) -> None:
        """As `set`. While the database does not answer, the clock runs on as before."""
        with contextlib.suppress(StorageUnavailable):  # the keeper of leases reports it
            await self.set()

    def now_ms(self) -> int:
        """Milliseconds since 1970. Call `set` before."""
        return self._own_ms() + self._ahead_ms

    @property
    def _ahead_ms(self) -> int:
        return (self._least_ahead_ms + self._most_ahead_ms) // 2

    def _own_ms(self) -> int:
        return int(self._monotonic_s() * 1000)


async def database_moment_ms(engine: AsyncEngine) -> int:
    """The moment by the clock of the database, of PostgreSQL. Raises StorageUnavailable."""
    async with reading(engine) as connection:
        return int((await connection.execute(_NOW)).scalar_one())
