"""Leases as rows: somebody takes one over, or renews it, by a connection of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.storage.fence import Fence

TAKE_OVER = "UPDATE leases SET epoch = epoch + 1, holder = 'other' WHERE resource = $1"
RENEW = "UPDATE leases SET expires_ms = expires_ms + 5000 WHERE resource = $1"
_GIVE = "INSERT INTO leases (resource, holder, epoch, expires_ms, url) VALUES ($1, $2, $3, 0, '')"


@asynccontextmanager
async def connected(url_or_engine: str | AsyncEngine) -> AsyncIterator[Any]:
    """A connection of asyncpg to the database."""
    given = url_or_engine
    url = make_url(given) if isinstance(given, str) else given.url
    connection = await asyncpg.connect(
        host=url.query["host"], user=url.username, database=url.database
    )
    try:
        yield connection
    finally:
        await connection.close()


async def give(connection: Any, fence: Fence) -> None:
    """The holder of this fence has its lease, with its epoch."""
    await connection.execute(_GIVE, fence.resource, fence.holder, fence.epoch)


async def waiting_for_a_lock(connection: Any, *, query: str) -> bool:
    """Whether a statement that begins so waits for another transaction."""
    found = await connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock' AND query LIKE $1 || '%'",
        query,
    )
    return bool(found)
