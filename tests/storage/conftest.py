"""Every test that asks for `database_url`, or for what is built on it, runs on both engines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.storage.call_store import CallStore
from bridge.storage.engine import open_engine
from bridge.storage.idempotency import IdempotencyStore
from bridge.storage.migrate import migrate
from bridge.storage.write_queue import WriteQueue

from .private_postgresql import PostgresqlMissing, PrivatePostgresql


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PrivatePostgresql]:
    try:
        server = PrivatePostgresql()
    except PostgresqlMissing as missing:
        pytest.fail(str(missing))
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/state/bridge.db"


@pytest.fixture
def postgresql_url(postgresql: PrivatePostgresql) -> str:
    return postgresql.new_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(database_url, sqlite_busy_timeout_ms=200)
    await migrate(engine)
    yield engine
    await engine.dispose()


@pytest.fixture
async def queue(engine: AsyncEngine) -> AsyncIterator[WriteQueue]:
    queue = WriteQueue(engine, first_retry_ms=20, last_retry_ms=50)
    await queue.start()
    yield queue
    await queue.stop()


@pytest.fixture
def store(engine: AsyncEngine, queue: WriteQueue) -> CallStore:
    return CallStore(engine, queue)


@pytest.fixture
def idempotency(engine: AsyncEngine, queue: WriteQueue) -> IdempotencyStore:
    return IdempotencyStore(engine, queue)
