"""A PostgreSQL of the tests' own, with all tables."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.storage.engine import open_engine
from bridge.storage.migrate import migrate
from bridge.storage.write_queue import WriteQueue


@pytest.fixture
async def migrated(postgresql_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine of an empty database."""
    engine = open_engine(postgresql_url)
    await migrate(engine)
    yield engine
    await engine.dispose()


@pytest.fixture
async def queue(migrated: AsyncEngine) -> AsyncIterator[WriteQueue]:
    queue = WriteQueue(migrated)
    await queue.start()
    yield queue
    await queue.stop()
