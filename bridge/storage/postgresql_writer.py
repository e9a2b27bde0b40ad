"""Writes a batch into PostgreSQL."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bridge.storage.faults import StorageUnavailable, TransactionConflict
from bridge.storage.statement import Counts, Group, Write

# SQLSTATE classes in which the server, not the write, is at fault: connection, resources,
# operator intervention, system error; and 25 with 25006: a standby takes no writes
_SERVER_FAULTS = ("08", "25", "53", "57", "58", "XX")
_CONFLICTS = ("40001", "40P01", "55P03")
# InternalClientError: what asyncpg says of a connection that broke under it
_LOST = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class PostgresqlWriter:
    """A connection of the engine's pool, used below SQLAlchemy, which would cost more."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._pooled: AsyncConnection | None = None
        self._driver: Any = None

    async def commit(self, groups: Sequence[Group]) -> list[Counts]:
        used_before = self._driver is not None
        try:
            return await self._commit(groups)
        except StorageUnavailable as error:
            # an idle connection that the server had closed meanwhile is no reason to fail
            if not used_before or error.outcome_unknown:
                raise
            return await self._commit(groups)

    async def close(self) -> None:
        pooled, self._pooled, self._driver = self._pooled, None, None
        if pooled is not None:
            with contextlib.suppress(Exception):
                await pooled.invalidate()
            with contextlib.suppress(Exception):
                await pooled.close()

    async def _commit(self, groups: Sequence[Group]) -> list[Counts]:
        committing = False
        try:
            if self._driver is None:
                await self._connect()
            await self._driver.execute("BEGIN")
            counts = await self._apply_all(groups)
            committing = True
            await self._driver.execute("COMMIT")
            return counts
        except asyncpg.PostgresError as error:
            state = error.sqlstate or ""
            if state.startswith(_SERVER_FAULTS):
                await self.close()
                raise StorageUnavailable(
                    f"cannot write: {error}", outcome_unknown=committing
                ) from error
            await self._roll_back()
            if state in _CONFLICTS:
                raise TransactionConflict(str(error)) from error
            raise
        except (*_LOST, DBAPIError, PoolTimeoutError) as error:
            if isinstance(error, ValueError):  # asyncpg itself found a value that does not fit
                await self._roll_back()
                raise
            await self.close()
            raise StorageUnavailable(
                f"cannot write: {error or type(error).__name__}", outcome_unknown=committing
            ) from error
        except BaseException:  # cancelled in the middle of the protocol
            await self.close()
            raise

    async def _connect(self) -> None:
        pooled = await self._engine.connect()
        self._pooled = pooled
        self._driver = (await pooled.get_raw_connection()).driver_connection

    async def _roll_back(self) -> None:
        try:
            await self._driver.execute("ROLLBACK")
        except (asyncpg.PostgresError, *_LOST):
            await self.close()

    async def _apply_all(self, groups: Sequence[Group]) -> list[Counts]:
        """Neighbours of one statement that nobody counts travel together, whatever their groups."""
        flat = [(number, write) for number, group in enumerate(groups) for write in group]
        counts: list[list[int]] = [[] for _ in groups]
        stopped: set[int] = set()

        def kind(numbered: tuple[int, Write]) -> tuple[str, bool]:
            write = numbered[1]
            return write.statement.postgresql, write.counted or write.guard

        for (sql, one_by_one), run in groupby(flat, kind):
            if not one_by_one:
                applied = [(number, write) for number, write in run if number not in stopped]
                if len(applied) > 1:
                    await self._driver.executemany(sql, [write.params for _, write in applied])
                    for number, _ in applied:
                        counts[number].append(-1)
                    continue
                run = iter(applied)
            for number, write in run:
                if number in stopped:
                    continue
                count = _row_count(await self._driver.execute(sql, *write.params))
                counts[number].append(count)
                if write.guard and count == 0:
                    stopped.add(number)
        return [
            tuple(made + [0] * (len(group) - len(made)))
            for made, group in zip(counts, groups, strict=True)
        ]


def _row_count(status: str) -> int:
    """`INSERT 0 1`, `UPDATE 3`, `DELETE 0`; -1 for statements that change no rows."""
    count = status.rpartition(" ")[2]
    return int(count) if count.isdecimal() else -1
