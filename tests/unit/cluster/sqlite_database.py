"""The tables of several instances in SQLite, for statements that it takes like PostgreSQL.

`clock_timestamp()` is a function of the test; locks and the word `ANY` of PostgreSQL are not there.
"""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from bridge.cluster import short_transaction
from bridge.storage import indexes  # noqa: F401 - the tables of `metadata` have them
from bridge.storage.tables import metadata


class Clock:
    """`now_s`: since 1970, in whole seconds, which is what SQLite makes of it."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000
        self.read = 0
        """How often."""

    def text(self) -> str:
        self.read += 1
        moment = datetime.datetime.fromtimestamp(self.now_s, datetime.UTC)
        return moment.strftime("%Y-%m-%d %H:%M:%S")


def engine_in(folder: Path, clock: Clock, *attached: str) -> AsyncEngine:
    """`attached`: schemas, each in a file of its own. The tables are made by `make_tables`."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{folder / 'main.db'}", poolclass=NullPool)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _entry: object) -> None:
        connection.create_function("clock_timestamp", 0, clock.text)
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous = OFF")
        for name in attached:
            cursor.execute(f"ATTACH DATABASE '{folder / name}.db' AS {name}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "before_cursor_execute", retval=True)
    def rewrite(
        _connection: object, _cursor: object, sql: str, given: object, *_: object
    ) -> tuple[str, object]:
        return ("SELECT 1" if sql.startswith("LOCK TABLE") else sql), given

    return engine


async def make_tables(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)


@asynccontextmanager
async def database(folder: Path, clock: Clock | None = None) -> AsyncIterator[AsyncEngine]:
    """An engine with all tables, none of them with rows."""
    engine = engine_in(folder, clock or Clock())
    try:
        await make_tables(engine)
        yield engine
    finally:
        await engine.dispose()


def instead_of_postgresql(folder: Path, set_attribute: Callable[..., None]) -> None:
    """Have short transactions use the SQLite of this folder. `set_attribute`: of a monkeypatch."""

    def make(*_: object, **__: object) -> AsyncEngine:
        return engine_in(folder, Clock())

    set_attribute(short_transaction, "create_async_engine", make)
