"""Subscriptions to events, on disk when a method returns."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.faults import StorageUnavailable
from bridge.phone_call_events.store.event_locks import SUBSCRIPTIONS
from bridge.phone_call_events.store.secrets_as_text import read_secrets, written_secrets
from bridge.phone_call_events.subscription import (
    BodyFormat,
    EventType,
    Method,
    Subscription,
    types_text,
)
from bridge.storage.engine import reading
from bridge.storage.event_tables import event_subscriptions
from bridge.storage.row_writer import RowWriter
from bridge.storage.shared_changes import NO_NOTES, SUBSCRIPTION, Notes
from bridge.storage.statement import Statement, StoppedByGuard, Write

# The limit is checked where nobody else can be between the check and the insert: SQLite has one
# writer, and of several instances over PostgreSQL each takes the lock of the extension before.
_INSERT = Statement(
    "INSERT INTO event_subscriptions (id, extension, types, url, method, status, note, secret,"
    " client_id, modified_ms, format, old_secrets, last_sequence)"
    " SELECT CAST(:id AS VARCHAR(30)), CAST(:extension AS TEXT), CAST(:types AS TEXT),"
    " CAST(:url AS TEXT), CAST(:method AS INTEGER), CAST(:status AS INTEGER),"
    " CAST(:note AS TEXT), CAST(:secret AS TEXT), CAST(:client_id AS TEXT),"
    " CAST(:modified_ms AS BIGINT), CAST(:format AS TEXT),"
    " CAST(:old_secrets AS TEXT), 0"
    " WHERE (SELECT COUNT(*) FROM event_subscriptions WHERE extension = :of_extension"
    " AND call_id IS NULL) < CAST(:most AS INTEGER)"
)
_LOCK = Statement("SELECT pg_advisory_xact_lock(1969317993, hashtext(:locked_extension))")
_PLACE_LEFT = Statement(
    "SELECT 1 WHERE (SELECT COUNT(*) FROM event_subscriptions WHERE extension = :of_extension"
    " AND call_id IS NULL) < CAST(:most AS INTEGER)"
)
# It locks the row until the commit, where nobody has changed it since.
_UNCHANGED = Statement(
    "UPDATE event_subscriptions SET modified_ms = modified_ms"
    " WHERE id = :id AND modified_ms = :was_ms",
    lock=SUBSCRIPTIONS,
    lock_key="id",
)
_UPDATE = Statement(
    "UPDATE event_subscriptions SET url = :url, method = :method, status = :status, note = :note,"
    " format = :format, secret = :secret, old_secrets = :old_secrets, modified_ms = :modified_ms"
    " WHERE id = :id"
)
_GIVE_UP_WAITING = Statement(
    "UPDATE event_deliveries SET state = 'failed', error = :why, finished_ms = :now_ms"
    " WHERE subscription_id = :subscription_id AND state = 'waiting'",
    many_rows=True,
)
_DISABLE = Statement(
    "UPDATE event_subscriptions SET status = 0 WHERE id = :id", lock=SUBSCRIPTIONS, lock_key="id"
)
_DELETE = Statement("DELETE FROM event_subscriptions WHERE id = :id", many_rows=True)


class EventSubscriptionStore:
    """Every method raises StorageUnavailable."""

    def __init__(self, engine: AsyncEngine, queue: RowWriter, notes: Notes = NO_NOTES) -> None:
        self._engine = engine
        self._queue = queue
        self.notes = notes

    async def load(self, ids: Collection[str] | None = None) -> list[Subscription]:
        """All subscriptions of extensions, also disabled ones; with `ids` only those.

        Raises StorageUnavailable.
        """
        query = select(event_subscriptions).where(event_subscriptions.c.call_id.is_(None))
        if ids is not None:
            query = query.where(event_subscriptions.c.id.in_(ids))
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query)).all()
        return [
            Subscription(
                id=row.id,
                extension=row.extension,
                types=tuple(EventType(int(x)) for x in row.types.split(",")),
                url=row.url,
                method=Method(row.method),
                enabled=row.status == 1,
                note=row.note,
                secret=row.secret,
                client_id=row.client_id,
                modified_ms=row.modified_ms,
                format=BodyFormat(row.format),
                old_secrets=read_secrets(row.old_secrets),
            )
            for row in rows
        ]

    async def insert(
        self,
        subscription: Subscription,
        most: int,
        first: Write | None = None,
        undo: Write | None = None,
    ) -> bool:
        """False where the extension has `most` subscriptions already.

        `first`: written before it, in the same transaction; if it changes no row, nothing is
        written. Raises StoppedByGuard then. `undo`: written before the row is deleted again, where
        nobody knows whether it was stored; if it changes no row, the row stays.
        """
        write = _INSERT.write(
            id=subscription.id,
            extension=subscription.extension,
            types=types_text(subscription.types),
            url=subscription.url,
            method=int(subscription.method),
            status=int(subscription.enabled),
            note=subscription.note,
            secret=subscription.secret,
            client_id=subscription.client_id,
            modified_ms=subscription.modified_ms,
            format=subscription.format.value,
            old_secrets=written_secrets(subscription.old_secrets),
            of_extension=subscription.extension,
            most=most,
        )
        before = [] if first is None else [first]
        if self.notes.several:
            before = [
                _LOCK.write(counted=False, locked_extension=subscription.extension),
                _PLACE_LEFT.write(guard=True, of_extension=subscription.extension, most=most),
                *before,
            ]
        notes = self.notes.rows(SUBSCRIPTION, [subscription.id])
        try:
            counts = await self._queue.submit(*before, write, *notes)
        except StorageUnavailable as why:
            if why.outcome_unknown:  # its client is told that there is none
                self.delete_later([subscription.id], undo)
            raise
        if self.notes.several and not counts[1]:
            return False
        if first is not None and not counts[len(before) - 1]:
            raise StoppedByGuard
        return counts[len(before)] == 1

    async def update(
        self,
        subscription: Subscription,
        *,
        why_disabled: str,
        first: Write | None = None,
        was: Subscription | None = None,
    ) -> bool:
        """If it is disabled, the same transaction gives its waiting events up.

        `first`: as for `insert`. `was`: before the change; False, and nothing is written, where
        another instance has changed or deleted it since.
        """
        before = [] if first is None else [first]
        if was is not None:
            unchanged = _UNCHANGED.write(guard=True, id=was.id, was_ms=was.modified_ms)
            before.insert(0, unchanged)
        writes = [*before, _update(subscription)]
        if not subscription.enabled:
            writes.append(
                _GIVE_UP_WAITING.write(
                    counted=False,
                    why=why_disabled,
                    now_ms=subscription.modified_ms,
                    subscription_id=subscription.id,
                )
            )
        writes += self.notes.rows(SUBSCRIPTION, [subscription.id])
        counts = await self._queue.submit(*writes)
        if was is not None and not counts[0]:
            return False
        if first is not None and not counts[len(before) - 1]:
            raise StoppedByGuard
        return True

    async def disable(self, receiver: Subscription, why: str, at_ms: int) -> None:
        """Of one call: its row stays, so that nothing more of the call is written for it."""
        await self._queue.submit(
            _DISABLE.write(counted=False, id=receiver.id),
            _GIVE_UP_WAITING.write(
                counted=False, why=why, now_ms=at_ms, subscription_id=receiver.id
            ),
        )

    def restore_later(self, subscription: Subscription) -> None:
        """Restore the row after an update with an unknown outcome."""
        notes = self.notes.rows(SUBSCRIPTION, [subscription.id])
        self._queue.submit_later(_update(subscription), *notes)

    async def delete(self, ids: Collection[str]) -> None:
        """With everything that waits for them, and their past deliveries."""
        if ids:
            await self._queue.submit(*self._deletions(ids))

    def delete_later(self, ids: Collection[str], first: Write | None = None) -> None:
        """Delete the rows after an unknown outcome. `first`: as `undo` of `insert`."""
        before = [] if first is None else [first]
        self._queue.submit_later(*before, *self._deletions(ids))

    def _deletions(self, ids: Collection[str]) -> list[Write]:
        deletions = [_DELETE.write(counted=False, id=x) for x in ids]
        return [*deletions, *self.notes.rows(SUBSCRIPTION, list(ids))]


def _update(subscription: Subscription) -> Write:
    return _UPDATE.write(
        counted=False,
        url=subscription.url,
        method=int(subscription.method),
        status=int(subscription.enabled),
        note=subscription.note,
        format=subscription.format.value,
        secret=subscription.secret,
        old_secrets=written_secrets(subscription.old_secrets),
        modified_ms=subscription.modified_ms,
        id=subscription.id,
    )
