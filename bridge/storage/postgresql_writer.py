"""Writes a batch into PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from bridge.faults import StorageUnavailable, TransactionConflict, reason
from bridge.storage.answer_limit import AnswerLimit
from bridge.storage.database_writer import Committed
from bridge.storage.engine import PostgresqlOptions, address_of
from bridge.storage.fence import LOCK_ONE, LOCK_SEVERAL, Fence, FencesLost
from bridge.storage.row_locks import locks_of
from bridge.storage.statement import Counts, Group, Write

# SQLSTATE classes in which the server, not the write, is at fault: connection, resources,
# operator intervention, system error; and 25 with 25006: a standby takes no writes
_SERVER_FAULTS = ("08", "25", "53", "57", "58", "XX")
_CONFLICTS = ("40001", "40P01", "55P03")
# InternalClientError: what asyncpg says of a connection that broke under it
_LOST = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class PostgresqlWriter:
    """A connection of its own, used below SQLAlchemy, which would cost more.

    Not one of the pool: that may hand out one that the server has closed meanwhile.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        limits: PostgresqlOptions = engine.get_execution_options()["postgresql_options"]
        self._limit_s = limits.answer_limit_s
        self._where = address_of(engine)
        arguments: dict[str, Any] = {"timeout": limits.connect_limit_s}
        self._one_of_several = limits.writer_silence_limit_s is not None
        if limits.writer_silence_limit_s is not None:
            limit_ms = str(int(limits.writer_silence_limit_s * 1000))
            arguments["server_settings"] = {"idle_in_transaction_session_timeout": limit_ms}
        self._engine = create_async_engine(engine.url, poolclass=NullPool, connect_args=arguments)
        self._pooled: AsyncConnection | None = None
        self._driver: Any = None

    async def commit(
        self,
        groups: Sequence[Group],
        fences: Sequence[Fence] = (),
        committed: Committed = lambda _: None,
    ) -> list[Counts]:
        counts = await self._commit_again(groups, fences)
        committed(counts)
        return counts

    async def _commit_again(self, groups: Sequence[Group], fences: Sequence[Fence]) -> list[Counts]:
        used_before = self._driver is not None
        try:
            return await self._commit(groups, fences)
        except StorageUnavailable as error:
            # the server may have closed an idle connection meanwhile; that is not a failure
            if not used_before or error.outcome_unknown or error.timed_out:
                raise
            return await self._commit(groups, fences)

    async def close(self) -> None:
        pooled, self._pooled, driver, self._driver = self._pooled, None, self._driver, None
        if driver is not None:
            driver.terminate()  # whatever state it is in: nobody waits for its goodbye
        if pooled is not None:
            with contextlib.suppress(Exception):
                await pooled.invalidate()
            with contextlib.suppress(Exception):
                await pooled.close()

    async def _commit(self, groups: Sequence[Group], fences: Sequence[Fence]) -> list[Counts]:
        committing = False
        limit = AnswerLimit(self._limit_s)
        try:
            if self._driver is None:
                async with asyncio.timeout_at(limit.until_s):
                    await self._connect()
            with limit.guard(self._driver):
                await self._driver.execute("BEGIN")
                await self._lock_all(fences, groups)
                counts = await self._apply_all(groups)
                committing = True
                await self._driver.execute("COMMIT")
            return counts
        except FencesLost:
            await self._roll_back()
            raise
        except asyncpg.PostgresError as error:
            state = error.sqlstate or ""
            if limit.is_over or state.startswith(_SERVER_FAULTS):
                await self.close()
                raise self._unavailable(error, limit, outcome_unknown=committing) from error
            await self._roll_back()
            if state in _CONFLICTS:
                raise TransactionConflict(str(error)) from error
            raise
        except (*_LOST, DBAPIError, PoolTimeoutError) as error:
            if isinstance(error, ValueError):  # asyncpg itself found a value that does not fit
                await self._roll_back()
                raise
            await self.close()
            raise self._unavailable(error, limit, outcome_unknown=committing) from error
        except BaseException:  # cancelled in the middle of the protocol
            await self.close()
            raise
        finally:
            limit.end()

    def _unavailable(
        self, error: Exception, limit: AnswerLimit, *, outcome_unknown: bool
    ) -> StorageUnavailable:
        why = limit.why if limit.is_over else reason(error)
        return StorageUnavailable(
            f"cannot write to {self._where}: {why}",
            outcome_unknown=outcome_unknown,
            timed_out=limit.is_over,
        )

    async def _connect(self) -> None:
        pooled = await self._engine.connect()
        self._pooled = pooled
        self._driver = (await pooled.get_raw_connection()).driver_connection

    async def _roll_back(self) -> None:
        try:
            await self._driver.execute("ROLLBACK")
        except (asyncpg.PostgresError, *_LOST):
            await self.close()

    async def _lock_all(self, fences: Sequence[Fence], groups: Sequence[Group]) -> None:
        if fences:
            await self._lock(fences)
        if self._one_of_several:
            for lock, keys in locks_of(groups):
                if lock.make:
                    await self._driver.execute(lock.make, keys)
                await self._driver.execute(lock.lock, keys)

    async def _lock(self, fences: Sequence[Fence]) -> None:
        """From here to the COMMIT a takeover waits. Raises FencesLost after one."""
        if len(fences) == 1:
            [fence] = fences
            status = await self._driver.execute(LOCK_ONE, fence.resource, fence.epoch, fence.holder)
            lost = set() if _row_count(status) == 1 else {fence}
        else:
            held = await self._driver.fetch(
                LOCK_SEVERAL,
                [x.resource for x in fences],
                [x.epoch for x in fences],
                [x.holder for x in fences],
            )
            lost = set(fences) - {Fence(*row) for row in held}
        if lost:
            raise FencesLost(lost)

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
