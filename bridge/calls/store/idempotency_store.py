"""The first answers to requests with an Idempotency-Key."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.storage.engine import reading
from bridge.storage.purge import purge_in_chunks
from bridge.storage.row_writer import RowWriter
from bridge.storage.statement import Statement, StoppedByGuard, Write
from bridge.storage.tables import idempotency

BEGUN = 0
"""The status of an entry whose request has begun, and has no answer yet."""

_DAY_MS = 24 * 3600 * 1000

# an entry that outlived its time counts as absent, also before it is purged
_INSERT = Statement(
    "INSERT INTO idempotency (client_id, key, body_hash, status, response, call_id, created_ms)"
    " VALUES (:client_id, :key, :body_hash, :status, :response, :call_id, :created_ms)"
    " ON CONFLICT (client_id, key) DO UPDATE SET body_hash = excluded.body_hash,"
    " status = excluded.status, response = excluded.response, call_id = excluded.call_id,"
    " created_ms = excluded.created_ms"
    " WHERE idempotency.created_ms <= :outlived_ms"
)
_REPLACE = Statement(
    "UPDATE idempotency SET status = :status, response = :response"
    " WHERE client_id = :client_id AND key = :key"
)
_RENAME = Statement(
    "UPDATE idempotency SET call_id = :new_id"
    " WHERE client_id = :client_id AND key = :key AND call_id = :call_id"
)
_FORGET = Statement(
    "DELETE FROM idempotency WHERE client_id = :client_id AND key = :key AND call_id = :call_id"
)
_PURGE = Statement(
    "DELETE FROM idempotency WHERE (client_id, key) IN (SELECT client_id, key FROM idempotency"
    " WHERE created_ms < :before_ms ORDER BY created_ms LIMIT :chunk)",
    many_rows=True,
)


@dataclass(frozen=True, slots=True)
class IdempotencyEntry:
    """`body_hash` tells the same request from another; `response` is the body as it was sent.

    `call_id`: of the call that the request placed. Another request has a random text of 20
    characters, which tells its entry from a later one with the same key.
    """

    client_id: str
    key: str
    body_hash: str
    status: int
    response: str
    call_id: str | None
    created_ms: int


class IdempotencyConflict(Exception):
    """The client has used this key before; `existing` is what it got."""

    def __init__(self, existing: IdempotencyEntry) -> None:
        super().__init__("this Idempotency-Key has been used")
        self.existing = existing


class IdempotencyStore:
    """Every async method raises StorageUnavailable. A key is free again after `lifetime_ms`."""

    def __init__(
        self, engine: AsyncEngine, queue: RowWriter, *, lifetime_ms: int = _DAY_MS
    ) -> None:
        self._engine = engine
        self._queue = queue
        self._lifetime_ms = lifetime_ms

    def insert(self, entry: IdempotencyEntry) -> Write:
        """Changes no row, and stops its group, where the client has used the key before."""
        return _INSERT.write(
            guard=True,
            client_id=entry.client_id,
            key=entry.key,
            body_hash=entry.body_hash,
            status=entry.status,
            response=entry.response,
            call_id=entry.call_id,
            created_ms=entry.created_ms,
            outlived_ms=entry.created_ms - self._lifetime_ms,
        )

    async def begin(self, entry: IdempotencyEntry) -> None:
        """The entry is on disk when this returns. Raises StoppedByGuard where the key is in use."""
        [count] = await self._queue.submit(self.insert(entry))
        if not count:
            raise StoppedByGuard

    async def find(
        self, client_id: str, key: str, *, now_ms: int | None = None
    ) -> IdempotencyEntry | None:
        """The entry of this key; with `now_ms` only if it has not outlived its time by then."""
        query = select(idempotency).where(
            idempotency.c.client_id == client_id, idempotency.c.key == key
        )
        if now_ms is not None:
            query = query.where(idempotency.c.created_ms > now_ms - self._lifetime_ms)
        async with reading(self._engine) as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else IdempotencyEntry(**row._mapping)

    async def replace_answer(self, client_id: str, key: str, status: int, response: str) -> bool:
        """Another answer for a key in use. False if the key does not exist (any more)."""
        [count] = await self._queue.submit(
            _REPLACE.write(client_id=client_id, key=key, status=status, response=response)
        )
        return count == 1

    def forget_later(self, entry: IdempotencyEntry) -> None:
        """As `forget`, but does not wait for the disk."""
        self._queue.submit_later(self.forgetting(entry))

    async def forget(self, entry: IdempotencyEntry) -> None:
        """Its call was not placed; it is not on disk any more when this returns."""
        await self._queue.submit(self.forgetting(entry))

    def forgetting(self, entry: IdempotencyEntry, *, guard: bool = False) -> Write:
        """The write that frees the key, for the transaction of a change.

        `guard`: the writes after it are left out where the entry is not there.
        """
        return _FORGET.write(
            guard=guard,
            counted=guard,
            client_id=entry.client_id,
            key=entry.key,
            call_id=entry.call_id,
        )

    async def rename(self, entry: IdempotencyEntry, call_id: str) -> bool:
        """Give the entry another id: `forget` of the old one does nothing. False if it is gone."""
        [count] = await self._queue.submit(
            _RENAME.write(
                new_id=call_id, client_id=entry.client_id, key=entry.key, call_id=entry.call_id
            )
        )
        return count == 1

    async def purge(self, before_ms: int, keys_max: int | None = None) -> int:
        """Remove the entries created before that moment; returns how many.

        `keys_max`: of those that are left, at most so many of the newest stay.
        """
        removed = await purge_in_chunks(self._queue, _PURGE, before_ms)
        if keys_max is not None:
            newest = (
                select(idempotency.c.created_ms)
                .order_by(idempotency.c.created_ms.desc())
                .offset(keys_max - 1)
                .limit(1)
            )
            async with reading(self._engine) as connection:
                oldest_ms = (await connection.execute(newest)).scalar()
            if oldest_ms is not None:
                removed += await purge_in_chunks(self._queue, _PURGE, oldest_ms)
        return removed
