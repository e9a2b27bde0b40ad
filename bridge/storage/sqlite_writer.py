"""Writes a batch into SQLite."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.faults import StorageUnavailable, reason
from bridge.storage.database_writer import Committed
from bridge.storage.disk_thread import DiskThread
from bridge.storage.engine import address_of, begin_when_free, connect_sqlite_writer
from bridge.storage.fence import Fence
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
    """A connection of the standard library; only what waits for the disk has a thread of its own.

    A statement on some rows takes 10 microseconds. In a thread each of them would release the
    interpreter's lock and wait for it again. That costs more than the statement, and up to 5 ms
    while the event loop is busy. So they run here; COMMIT, which syncs, runs in the thread, and so
    does all that may have to wait: connecting, another writer's lock, a change of many rows.

    executemany would not be faster: sqlite3 keeps prepared statements, and there is no network.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._where = address_of(engine)
        self._thread = DiskThread("sqlite-writer")
        self._connection: sqlite3.Connection | None = None

    async def commit(
        self,
        groups: Sequence[Group],
        fences: Sequence[Fence] = (),
        committed: Committed = lambda _: None,
    ) -> list[Counts]:
        if fences:
            raise ValueError("SQLite has one instance, so that nobody holds a lease")
        counts = None if _may_take_long(groups) else self._apply_now(groups)
        if counts is None:
            return await self._thread.run(self._apply_and_commit, groups, then=committed)
        return await self._thread.run(self._commit, counts, then=committed)

    async def close(self) -> None:
        await self._thread.run(self._disconnect)
        self._thread.stop()

    def _apply_now(self, groups: Sequence[Group]) -> list[Counts] | None:
        """A transaction that is still open; None if the writer must wait."""
        if self._connection is None:
            return None
        with self._faults_told_apart():
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & _PRIMARY_CODE == sqlite3.SQLITE_BUSY:
                    return None
                raise
            with _undone_on_fault(self._connection):
                return [_apply(self._connection, group) for group in groups]

    def _commit(self, counts: list[Counts]) -> list[Counts]:
        assert self._connection is not None  # noqa: S101 - the transaction is open on it
        with self._faults_told_apart(), _undone_on_fault(self._connection):
            self._connection.execute("COMMIT")
        return counts

    def _apply_and_commit(self, groups: Sequence[Group]) -> list[Counts]:
        with self._faults_told_apart():
            if self._connection is None:
                self._connection = connect_sqlite_writer(self._engine)
            begin_when_free(self._engine, self._connection)
            with _undone_on_fault(self._connection):
                counts = [_apply(self._connection, group) for group in groups]
                self._connection.execute("COMMIT")
            return counts

    @contextlib.contextmanager
    def _faults_told_apart(self) -> Iterator[None]:
        """Raises StorageUnavailable, after disconnecting, unless a write itself is at fault."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code is None or code & _PRIMARY_CODE in _FAULTS_OF_A_WRITE:
                raise
            self._disconnect()
            raise StorageUnavailable(f"cannot write to {self._where}: {reason(error)}") from error

    def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def _may_take_long(groups: Sequence[Group]) -> bool:
    return any(write.statement.many_rows for group in groups for write in group)


@contextlib.contextmanager
def _undone_on_fault(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back after some errors
            connection.execute("ROLLBACK")
        raise


def _apply(connection: sqlite3.Connection, group: Group) -> Counts:
    counts: list[int] = []
    for write in group:
        count = connection.execute(write.statement.sqlite, write.params).rowcount
        counts.append(count)
        if write.guard and count == 0:
            counts.extend([0] * (len(group) - len(counts)))
            break
    return tuple(counts)
