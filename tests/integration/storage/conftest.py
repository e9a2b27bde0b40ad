"""What is built on `database_url` (databases.py), and so runs on both engines."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.calls.store.call_store import CallStore
from bridge.calls.store.idempotency_store import IdempotencyStore
from bridge.storage.engine import open_engine
from bridge.storage.migrate import migrate
from bridge.storage.write_queue import WriteQueue


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
