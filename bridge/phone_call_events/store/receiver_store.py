"""The rows of receivers of single calls, beside those of subscriptions."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.phone_call_events.subscription import Subscription, receiver_of_call
from bridge.storage.engine import reading
from bridge.storage.event_tables import event_deliveries, event_subscriptions
from bridge.storage.purge import purge_in_chunks
from bridge.storage.row_writer import RowWriter
from bridge.storage.statement import Statement, Write

_INSERT = Statement(
    "INSERT INTO event_subscriptions (id, extension, types, url, method, status, note, secret,"
    " client_id, modified_ms, format, old_secrets, call_id, last_sequence)"
    " VALUES (:id, :extension, '', :url, 1, 1, '', '', :client_id, :modified_ms, 'json', '[]',"
    " :call_id, 0) ON CONFLICT (id) DO NOTHING"
)
_PURGE = Statement(
    "DELETE FROM event_subscriptions WHERE id IN (SELECT s.id FROM event_subscriptions AS s"
    " WHERE s.call_id IS NOT NULL AND s.modified_ms < :before_ms"
    " AND NOT EXISTS (SELECT 1 FROM event_deliveries AS d WHERE d.subscription_id = s.id)"
    " AND NOT EXISTS (SELECT 1 FROM calls AS c WHERE c.id = s.call_id AND c.ended_ms IS NULL)"
    " LIMIT :chunk)",
    many_rows=True,
)


def insert_receiver(receiver: Subscription) -> Write:
    """Does nothing where the row exists. Its secret is that of its app."""
    return _INSERT.write(
        counted=False,
        id=receiver.id,
        extension=receiver.extension,
        url=receiver.url,
        client_id=receiver.client_id,
        modified_ms=receiver.modified_ms,
        call_id=receiver.call_id,
    )


async def waiting_receivers(engine: AsyncEngine) -> list[Subscription]:
    """Those that have undelivered states, without their secrets. Raises StorageUnavailable."""
    waits = select(event_deliveries.c.id).where(
        event_deliveries.c.subscription_id == event_subscriptions.c.id,
        event_deliveries.c.state == "waiting",
    )
    query = select(event_subscriptions).where(
        event_subscriptions.c.call_id.is_not(None),
        event_subscriptions.c.status == 1,
        waits.exists(),
    )
    async with reading(engine) as connection:
        return [_receiver(x) for x in (await connection.execute(query)).all()]


async def receivers_of(engine: AsyncEngine, ids: Collection[str]) -> list[Subscription]:
    """Those of these ids that are receivers of single calls, without their secrets.

    Raises StorageUnavailable.
    """
    query = select(event_subscriptions).where(
        event_subscriptions.c.id.in_(list(ids)),
        event_subscriptions.c.call_id.is_not(None),
        event_subscriptions.c.status == 1,
    )
    async with reading(engine) as connection:
        return [_receiver(x) for x in (await connection.execute(query)).all()]


async def purge_receivers(queue: RowWriter, before_ms: int) -> int:
    """Remove those of ended calls from before that moment that have no deliveries left."""
    return await purge_in_chunks(queue, _PURGE, before_ms)


def _receiver(row: Row[tuple[object, ...]]) -> Subscription:
    return receiver_of_call(
        row.id,
        extension=row.extension,
        url=row.url,
        client_id=row.client_id,
        modified_ms=row.modified_ms,
        call_id=row.call_id,
    )
