from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, MetaData, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.schema import CreateIndex, CreateTable

from bridge.faults import DatabaseTooNew, StorageUnavailable
from bridge.storage.engine import open_engine, reading
from bridge.storage.migrate import alembic_config, migrate
from bridge.storage.migrations import HEAD
from bridge.storage.tables import metadata

_STARTS = 4


def some(column: Column[object]) -> object:
    """A value for `column`. Foreign keys fit, as all columns of one type get the same value."""
    return "x" if column.type.python_type is str else 1


@asynccontextmanager
async def writable(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that may write; the connections of `engine` itself only read SQLite."""
    writer = create_async_engine(engine.url)
    async with writer.begin() as connection:
        yield connection
    await writer.dispose()


async def layout_and_rows(engine: AsyncEngine) -> dict[str, tuple[str, list[tuple[object, ...]]]]:
    """Of each table by its name: columns, indexes and constraints as a text, and all rows."""

    def read(connection: Connection) -> dict[str, tuple[str, list[tuple[object, ...]]]]:
        there = MetaData()
        there.reflect(connection)
        return {
            name: (
                "\n".join(
                    [
                        str(CreateTable(table).compile(connection)),
                        *sorted(str(CreateIndex(x).compile(connection)) for x in table.indexes),
                    ]
                ),
                sorted(map(tuple, connection.execute(select(table)))),
            )
            for name, table in there.tables.items()
        }

    async with reading(engine) as connection:
        return await connection.run_sync(read)


def test_head_names_the_newest_revision() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [HEAD]


async def test_tables_are_what_the_migrations_make(engine: AsyncEngine) -> None:
    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), metadata)

    async with reading(engine) as connection:
        assert await connection.run_sync(differences) == []


async def test_again_changes_nothing(engine: AsyncEngine) -> None:
    async with writable(engine) as connection:
        for table in metadata.sorted_tables:
            await connection.execute(insert(table).values({x.name: some(x) for x in table.columns}))
    before = await layout_and_rows(engine)
    assert set(before) == {*metadata.tables, "alembic_version"}
    assert all(rows for _, rows in before.values())
    await migrate(engine)
    assert await layout_and_rows(engine) == before


async def test_leaves_logging_alone(database_url: str) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers), logging.getLogger("alembic").level)
    engine = open_engine(database_url)
    await migrate(engine)
    assert (root.level, list(root.handlers), logging.getLogger("alembic").level) == before
    assert not logging.getLogger("alembic").disabled
    await engine.dispose()


def test_many_starts_at_once(database_url: str) -> None:
    program = (
        "import asyncio, sys\n"
        "from bridge.storage.engine import open_engine\n"
        "from bridge.storage.migrate import migrate\n"
        "asyncio.run(migrate(open_engine(sys.argv[1])))\n"
    )
    starts = [
        subprocess.Popen([sys.executable, "-c", program, database_url]) for _ in range(_STARTS)
    ]
    assert [start.wait(60) for start in starts] == [0] * _STARTS


async def test_many_starts_at_once_in_one_process(database_url: str) -> None:
    engines = [open_engine(database_url) for _ in range(_STARTS)]
    await asyncio.gather(*(migrate(engine) for engine in engines))
    _, revisions = (await layout_and_rows(engines[0]))["alembic_version"]
    assert revisions == [(HEAD,)]
    for engine in engines:
        await engine.dispose()


async def test_database_of_a_newer_version(engine: AsyncEngine) -> None:
    async with writable(engine) as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseTooNew, match="9999"):
        await migrate(engine)


def test_an_up_to_date_start_does_not_import_alembic(sqlite_url: str) -> None:
    program = (
        "import asyncio, sys\n"
        "from bridge.storage.engine import open_engine\n"
        "from bridge.storage.migrate import migrate\n"
        "asyncio.run(migrate(open_engine(sys.argv[1])))\n"
        "sys.exit(3 if 'alembic' in sys.modules else 0)\n"
    )
    assert [
        subprocess.run([sys.executable, "-c", program, sqlite_url], check=False).returncode
        for _ in range(2)
    ] == [3, 0]


async def test_no_server() -> None:
    engine = open_engine("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    with pytest.raises(StorageUnavailable):
        await migrate(engine)
    await engine.dispose()
