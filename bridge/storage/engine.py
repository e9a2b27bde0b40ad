"""The connections to the database: SQLite in a file, or PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from bridge.faults import StorageUnavailable, reason
from bridge.storage.answer_limit import AnswerLimit

SqliteSynchronous = Literal["NORMAL", "FULL", "EXTRA"]
SQLITE = "sqlite+aiosqlite"
POSTGRESQL = "postgresql+asyncpg"

_NO_WAITING = "PRAGMA busy_timeout = 0"
_WAL = "PRAGMA journal_mode = WAL"
_WAL_RETRY_S = 0.01
# Every call touches the same index pages again and again. They are copied from the log into the
# file each 4,000 pages (16 MB) and kept in 16 MB of memory. That halves the waiting.
_WRITER_PRAGMAS = ("PRAGMA wal_autocheckpoint = 4000", "PRAGMA cache_size = -16000")


CONNECT_LIMIT_S = 3.0
ANSWER_LIMIT_S = 4.0
"""How long one read, or one transaction of the writer, may take. A create that is not on disk by
then is refused. A longer wait would serve a client that has left."""
FROZEN_WRITER_LIMIT_S = 2.0
"""Of an instance of several: one that stands still between two statements of a transaction holds up
who takes its leases over. The server drops it after this time, and its transaction with it."""


@dataclass(frozen=True, slots=True)
class PostgresqlOptions:
    """Time limits in seconds: to connect, and for one answer.

    `writer_silence_limit_s`: how long the server waits for the next statement of a transaction of
    the writer before it drops the connection; None for as long as it takes.
    """

    connect_limit_s: float = CONNECT_LIMIT_S
    answer_limit_s: float = ANSWER_LIMIT_S
    writer_silence_limit_s: float | None = None


@dataclass(frozen=True, slots=True)
class SqliteOptions:
    """`synchronous` FULL syncs the disk at every commit: an accepted call survives a power loss.

    NORMAL survives the death of the process, but may lose the last commits with the power.
    """

    synchronous: SqliteSynchronous = "FULL"
    busy_timeout_ms: int = 3_000


def open_engine(
    url: str,
    *,
    sqlite_synchronous: SqliteSynchronous = "FULL",
    sqlite_busy_timeout_ms: int = 3_000,
    pool_size: int = 5,
    connect_limit_s: float = CONNECT_LIMIT_S,
    answer_limit_s: float = ANSWER_LIMIT_S,
    writer_silence_limit_s: float | None = None,
) -> AsyncEngine:
    """An engine for `sqlite+aiosqlite:///path` or `postgresql+asyncpg://…`, not yet connected.

    For SQLite the file (0600) and its folder (0700) are created, and the engine's connections can
    only read: the one writer is the `WriteQueue`. `writer_silence_limit_s`: as PostgresqlOptions.
    Raises ValueError for any other URL, OSError where the file cannot be created.
    """
    parsed = make_url(url)
    if parsed.drivername == SQLITE:
        _create_private_file(_sqlite_path(parsed))
        options = SqliteOptions(sqlite_synchronous, sqlite_busy_timeout_ms)
        engine = create_async_engine(
            parsed,
            pool_size=pool_size,
            pool_timeout=answer_limit_s,
            execution_options={"sqlite_options": options},
        )
        _read_only(engine, options)
        return engine
    if parsed.drivername == POSTGRESQL:
        limits = PostgresqlOptions(connect_limit_s, answer_limit_s, writer_silence_limit_s)
        return create_async_engine(
            parsed,
            pool_size=pool_size,
            pool_timeout=answer_limit_s,
            connect_args={"timeout": connect_limit_s},
            execution_options={"postgresql_options": limits},
        )
    raise ValueError(f"database URL must begin with {SQLITE}:/// or {POSTGRESQL}://")


def connect_sqlite_writer(engine: AsyncEngine) -> sqlite3.Connection:
    """The one connection that writes, in autocommit mode: its user says BEGIN and COMMIT.

    It never waits for another process that writes: see `begin_when_free`. May be used from any
    thread, one at a time. Raises sqlite3.Error.
    """
    options = engine.get_execution_options()["sqlite_options"]
    connection = sqlite3.connect(
        _sqlite_path(engine.url), isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute(_waiting_for(options))
        _set_wal(connection, options.busy_timeout_ms / 1000)
        for pragma in (*_pragmas(options), *_WRITER_PRAGMAS, _NO_WAITING):
            connection.execute(pragma)
    except BaseException:
        connection.close()
        raise
    return connection


def begin_when_free(engine: AsyncEngine, connection: sqlite3.Connection) -> None:
    """BEGIN on a writing connection once no other process writes. Raises sqlite3.Error."""
    options = engine.get_execution_options()["sqlite_options"]
    connection.execute(_waiting_for(options))
    try:
        connection.execute("BEGIN IMMEDIATE")
    finally:
        connection.execute(_NO_WAITING)


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection to read with, for as long as one read may take.

    Raises StorageUnavailable where the database cannot be read, or does not answer in time.
    """
    where = address_of(engine)
    limits: PostgresqlOptions | None = engine.get_execution_options().get("postgresql_options")
    limit = None if limits is None else AnswerLimit(limits.answer_limit_s)
    try:
        if limit is None:
            async with engine.connect() as connection:
                yield connection
        else:
            async with _answering(engine, limit) as connection:
                yield connection
    except (DBAPIError, PoolTimeoutError, OSError) as error:
        why = reason(error) if limit is None or not limit.is_over else limit.why
        raise StorageUnavailable(f"cannot read from {where}: {why}") from error
    finally:
        if limit is not None:
            limit.end()


def address_of(engine: AsyncEngine) -> str:
    """The address of the database, without user and password, for messages."""
    url = engine.url
    if url.drivername == SQLITE:
        return f"SQLite {url.database}"
    host = url.host or url.query.get("host") or "localhost"
    host = f"[{host}]" if isinstance(host, str) and host.count(":") > 1 else host
    port = f":{url.port or 5432}" if url.host else ""
    return f"PostgreSQL {host}{port}/{url.database}"


@asynccontextmanager
async def _answering(engine: AsyncEngine, limit: AnswerLimit) -> AsyncIterator[AsyncConnection]:
    """A connection of the pool that the server has not closed meanwhile."""
    while True:
        # a place in the pool, and a new connection, are the two waits that can be cancelled
        async with asyncio.timeout_at(limit.until_s):
            connection = await engine.connect()
        try:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            with limit.guard(driver):
                try:
                    await connection.exec_driver_sql("SELECT 1")
                except DBAPIError as error:
                    if error.connection_invalidated and not limit.is_over:
                        continue  # and so are all that are older than this moment
                    raise
                yield connection
                return
        finally:
            await connection.close()


def _sqlite_path(url: URL) -> Path:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise ValueError("an SQLite database must be a plain file: sqlite+aiosqlite:///path")
    return Path(url.database)


def _create_private_file(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)


def _waiting_for(options: SqliteOptions) -> str:
    return f"PRAGMA busy_timeout = {int(options.busy_timeout_ms)}"


def _set_wal(connection: sqlite3.Connection, at_most_s: float) -> None:
    """The mode stays with the file; setting it again is nothing.

    If another process sets it at the same moment, SQLite says "locked" and ignores busy_timeout:
    both read and both want to write, a deadlock. So we wait ourselves.
    """
    until = time.monotonic() + at_most_s
    while True:
        try:
            connection.execute(_WAL)
        except sqlite3.OperationalError as error:
            # the low byte is the code, what is above it says more of the same code
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() >= until:
                raise
            time.sleep(_WAL_RETRY_S)
        else:
            return


def _pragmas(options: SqliteOptions) -> tuple[str, ...]:
    return (
        _waiting_for(options),
        f"PRAGMA synchronous = {options.synchronous}",
        "PRAGMA foreign_keys = ON",
    )


def _read_only(engine: AsyncEngine, options: SqliteOptions) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def set_pragmas(connection: Any, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in (*_pragmas(options), "PRAGMA query_only = ON"):
            cursor.execute(pragma)
        cursor.close()
