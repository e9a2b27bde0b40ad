"""Bring the database to the layout this version needs, at every start."""

from __future__ import annotations

import asyncio
import importlib.resources
import sqlite3
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import StaticPool

from bridge.faults import DatabaseTooNew, StorageUnavailable, StorageUnusable, reason
from bridge.storage.engine import address_of, begin_when_free, connect_sqlite_writer
from bridge.storage.migrations import HEAD

if TYPE_CHECKING:
    from alembic.config import Config

log = structlog.get_logger()

_SQLITE_PASSES = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
)
# SQLSTATE classes: connection, standby, conflict, resources, locks, operator, system, internal
_POSTGRESQL_PASSES = ("08", "25", "40", "53", "55", "57", "58", "XX")

# any constant will do, as long as every version of this program uses the same
_POSTGRESQL_LOCK = 0x75617069


async def migrate(engine: AsyncEngine) -> None:
    """Apply the missing migrations, all in one transaction. Any number of starts may do so at once.

    Raises StorageUnavailable, StorageUnusable, DatabaseTooNew.
    """
    try:
        if engine.dialect.name == "sqlite":
            await asyncio.to_thread(_migrate_sqlite, engine)
        else:
            async with engine.begin() as connection:
                await connection.run_sync(_migrate_postgresql)
    except Exception as error:
        why = f"cannot migrate {address_of(engine)}: {reason(error)}"
        if waiting_may_cure(error):
            raise StorageUnavailable(why) from error
        if not isinstance(error, DBAPIError | sqlite3.Error) and _sqlstate(error) is None:
            raise
        raise StorageUnusable(why) from error


def waiting_may_cure(error: Exception) -> bool:
    """Whether the same may succeed later: the server is away, starting, full or busy.

    Waiting does not cure a wrong password, a missing role, database or right, or a file that is not
    a database. Then the service ends, so that the operator sees the fault.
    """
    if isinstance(error, DBAPIError) and isinstance(error.orig, Exception):
        return error.connection_invalidated or waiting_may_cure(error.orig)
    if isinstance(error, OSError | PoolTimeoutError):
        return True
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _SQLITE_PASSES
    state = _sqlstate(error)
    if state is None:  # of the driver itself: the connection broke under it
        return type(error).__module__.startswith("asyncpg.")
    return state.startswith(_POSTGRESQL_PASSES)


def _sqlstate(error: Exception) -> str | None:
    """Of an error of asyncpg, which is not imported here: one of the two drivers is used."""
    state = getattr(error, "sqlstate", None)
    return state if isinstance(state, str) else None


def _migrate_sqlite(engine: AsyncEngine) -> None:
    with_pragmas = connect_sqlite_writer(engine)
    try:
        # pysqlite would commit before some statements; the connection is in autocommit mode, so
        # the transaction is only ever what we say
        migrating = create_engine("sqlite://", creator=lambda: with_pragmas, poolclass=StaticPool)
        with migrating.connect() as connection:
            if _revision(connection) == HEAD:
                return
            connection.rollback()
            begin_when_free(engine, with_pragmas)
            _upgrade(connection)
            connection.exec_driver_sql("COMMIT")
    finally:
        with_pragmas.close()


def _migrate_postgresql(connection: Connection) -> None:
    if _revision(connection) == HEAD:
        return
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _POSTGRESQL_LOCK})
    if _upgrade(connection):
        # The instances that run are older than the tables: they hand over what they act for, if
        # one that is new can take it. Each counts as new again once it is started.
        connection.execute(text("UPDATE instances SET draining = 1"))


def _revision(connection: Connection) -> str | None:
    """None for an empty database."""
    if connection.dialect.name == "sqlite":
        exists = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
    else:
        exists = "SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL"
    if connection.execute(text(exists)).first() is None:
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> bool:
    """Whether there was a step to apply."""
    before = _revision(connection)  # again: another start may just have done it
    if before == HEAD:
        return False
    from alembic import command  # costs more than the rest of the start: only where needed
    from alembic.util import CommandError

    config = alembic_config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        if before is None:
            raise
        raise DatabaseTooNew(f"revision {before} is unknown to this version: {error}") from error
    log.info("database_migrated", before=before, now=HEAD)
    return True


def alembic_config() -> Config:
    """The configuration of Alembic with the migrations of this package."""
    from alembic.config import Config

    config = Config()
    folder = importlib.resources.files("bridge.storage") / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
