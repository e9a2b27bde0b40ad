"""The clock that all instances share: that of the database, carried on by the monotonic clock.

The wall clock of one machine may be wrong by hours, or jump. A deadline that instances tell each
other must not depend on it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.cluster.lease_connection import since_boot_s
from bridge.storage.engine import reading

READ_EVERY_S = 30.0
"""Two quartz clocks run apart by some milliseconds meanwhile."""

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
        self._ahead_ms = 0

    async def set(self) -> None:
        """Read the database's clock. Raises StorageUnavailable; the clock then runs on as before.

        The answer was true at some moment of the question; the middle of it is taken.
        """
        asked_ms = self._own_ms()
        moment_ms = await self._read()
        self._ahead_ms = moment_ms - (asked_ms + self._own_ms()) // 2

    def now_ms(self) -> int:
        """Milliseconds since 1970. Call `set` before."""
        return self._own_ms() + self._ahead_ms

    def _own_ms(self) -> int:
        return int(self._monotonic_s() * 1000)


async def database_moment_ms(engine: AsyncEngine) -> int:
    """The moment by the clock of the database, of PostgreSQL. Raises StorageUnavailable."""
    async with reading(engine) as connection:
        return int((await connection.execute(_NOW)).scalar_one())
