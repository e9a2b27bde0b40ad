"""Writes a batch into SQLite."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.storage.engine import connect_sqlite_writer
from bridge.storage.faults import StorageUnavailable
from bridge.storage.statement import Counts, Group

# the write itself is at fault, everything else is the database's
_FAULTS_OF_A_WRITE = frozenset(
    {
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_TOOBIG,
        sqlite3.SQLITE_RANGE,
    }
)
_PRIMARY_CODE = 0xFF


class SqliteWriter:
    """A connection of the standard library in a thread of its own: one hop for a whole batch.

    executemany would gain nothing here: sqlite3 keeps prepared statements, and there is no network.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite-writer")
        self._connection: sqlite3.Connection | None = None

    async def commit(self, groups: Sequence[Group]) -> list[Counts]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, groups)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    def _commit(self, groups: Sequence[Group]) -> list[Counts]:
        try:
            if self._connection is None:
                self._connection = connect_sqlite_writer(self._engine)
            return _in_one_transaction(self._connection, groups)
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code is None or code & _PRIMARY_CODE in _FAULTS_OF_A_WRITE:
                raise
            self._disconnect()
            raise StorageUnavailable(f"cannot write: {error}") from error

    def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def _in_one_transaction(connection: sqlite3.Connection, groups: Sequence[Group]) -> list[Counts]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        counts = [_apply(connection, group) for group in groups]
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back after some errors
            connection.execute("ROLLBACK")
        raise
    return counts


def _apply(connection: sqlite3.Connection, group: Group) -> Counts:
    counts: list[int] = []
    for write in group:
        count = connection.execute(write.statement.sqlite, write.params).rowcount
        counts.append(count)
        if write.guard and count == 0:
            counts.extend([0] * (len(group) - len(counts)))
            break
    return tuple(counts)
