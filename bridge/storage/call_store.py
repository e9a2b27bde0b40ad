"""PhoneCalls on disk: accepted before they are dialled, exactly one final record each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import structlog
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.calls.phone_call import PhoneCall
from bridge.storage.call_document import UnreadableDocument, from_document
from bridge.storage.call_writes import insert_call, party_writes, upsert_call
from bridge.storage.engine import reading
from bridge.storage.idempotency import (
    IdempotencyConflict,
    IdempotencyEntry,
    IdempotencyStore,
)
from bridge.storage.known_parties import KnownParties
from bridge.storage.purge import purge_in_chunks
from bridge.storage.statement import Statement, Write
from bridge.storage.tables import call_parties, calls
from bridge.storage.write_queue import WriteQueue

log = structlog.get_logger(__name__)

_PURGE = Statement(
    "DELETE FROM calls WHERE id IN (SELECT id FROM calls"
    " WHERE ended_ms < :before_ms ORDER BY ended_ms LIMIT :chunk)",
    many_rows=True,
)


class CallStore:
    """Every async method raises StorageUnavailable. What is read is what is on disk, so it may lag
    behind `track` and `finish_later` by a few milliseconds; `ended` waits for these.

    `extra` are rows that belong to a change: they are written with it in one transaction, or not at
    all where the call has its final record already. As writes that nobody waits for may be applied
    twice, extra rows need a key of their own and ON CONFLICT DO NOTHING. `written` is called once
    they are on disk.
    """

    def __init__(
        self, engine: AsyncEngine, queue: WriteQueue, idempotency: IdempotencyStore | None = None
    ) -> None:
        self._engine = engine
        self._queue = queue
        self._idempotency = idempotency or IdempotencyStore(engine, queue)
        self._parties = KnownParties()

    async def accept(
        self,
        call: PhoneCall,
        idempotency: IdempotencyEntry | None = None,
        extra: Sequence[Write] = (),
    ) -> None:
        """A new call of the API, on disk when this returns.

        Raises IdempotencyConflict if the client has used the key before; nothing is written then.
        """
        writes = [insert_call(call), *party_writes(call.id, call.extensions), *extra]
        if idempotency is None:
            await self._queue.submit(*writes)
            self._parties.written(call)
            return
        while True:
            counts = await self._queue.submit(self._idempotency.insert(idempotency), *writes)
            if counts[0]:
                self._parties.written(call)
                return
            existing = await self._idempotency.find(idempotency.client_id, idempotency.key)
            if existing is not None and existing.call_id == call.id:
                return  # this very one: a commit that was repeated had succeeded
            if existing is not None:  # None: purged in this very moment, so the key is free
                raise IdempotencyConflict(existing)

    def track(
        self,
        call: PhoneCall,
        extra: Sequence[Write] = (),
        written: Callable[[], None] | None = None,
    ) -> None:
        """A live call, new or changed. Changes nothing where the call has its final record.

        Raises ValueError for a call that has ended.
        """
        if call.final is not None:
            raise ValueError("an ended call needs finish")
        parties = party_writes(call.id, self._parties.missing(call))
        if parties:
            self._parties.written(call)
        self._queue.submit_later(
            upsert_call(call, guard=bool(extra)),
            *parties,
            *extra,
            # with nothing but the state, a later state makes this one needless
            key=None if parties or extra else call.id,
            written=written,
        )

    async def mark(self, call: PhoneCall) -> None:
        """Like `track`, and on disk when this returns. Raises ValueError as `track` does."""
        if call.final is not None:
            raise ValueError("an ended call needs finish")
        await self._queue.submit(
            upsert_call(call, guard=False), *party_writes(call.id, self._parties.missing(call))
        )
        self._parties.written(call)

    async def finish(self, call: PhoneCall, extra: Sequence[Write] = ()) -> bool:
        """The final record; True if it is this one that was written, False if there was one.

        Raises ValueError for a call that has not ended.
        """
        counts = await self._queue.submit(*self._final_writes(call, extra))
        self._parties.forget(call.id)
        return counts[0] == 1

    def finish_later(
        self,
        call: PhoneCall,
        extra: Sequence[Write] = (),
        written: Callable[[], None] | None = None,
    ) -> None:
        """Like `finish`, for those who need not know; tried again until the database takes it."""
        writes = self._final_writes(call, extra)
        # final: a late `track` must not replace a record that still waits
        key = None if extra else call.id
        self._queue.submit_later(*writes, key=key, final=True, written=written)
        self._parties.forget(call.id)

    async def live(self, pbx: str) -> list[PhoneCall]:
        """Every call of that PBX without a final record, oldest first."""
        return await self._read(
            select(calls.c.id, calls.c.document).where(
                calls.c.pbx == pbx, calls.c.ended_ms.is_(None)
            )
        )

    async def ended(
        self, extensions: Collection[str], since_ms: int, *, call_id: str | None = None
    ) -> list[PhoneCall]:
        """Calls of these extensions that ended at `since_ms` or later, oldest first."""
        if not extensions:
            return []
        # Who sees a call vanish from the live ones asks for its end in the next moment.
        await self._queue.caught_up()
        query = select(calls.c.id, calls.c.document).where(
            calls.c.ended_ms >= since_ms,
            calls.c.id.in_(
                select(call_parties.c.call_id).where(call_parties.c.extension.in_(extensions))
            ),
        )
        if call_id is not None:
            query = query.where(calls.c.id == call_id)
        return await self._read(query)

    async def find(self, call_id: str) -> PhoneCall | None:
        """The call, live or ended."""
        found = await self._read(select(calls.c.id, calls.c.document).where(calls.c.id == call_id))
        return found[0] if found else None

    async def purge_ended(self, before_ms: int) -> int:
        """Remove the calls that ended before that moment; returns how many."""
        return await purge_in_chunks(self._queue, _PURGE, before_ms)

    def _final_writes(self, call: PhoneCall, extra: Sequence[Write]) -> list[Write]:
        if call.final is None:
            raise ValueError("a call without an end cannot finish")
        parties = party_writes(call.id, self._parties.missing(call))
        return [upsert_call(call, guard=True), *parties, *extra]

    async def _read(self, query: Select[str, str]) -> list[PhoneCall]:
        async with reading(self._engine) as connection:
            rows = (
                await connection.execute(query.order_by(calls.c.published_ms, calls.c.id))
            ).all()
        found: list[PhoneCall] = []
        for call_id, document in rows:
            try:
                found.append(from_document(document))
            except UnreadableDocument as error:  # one such row must not prevent the start
                log.error("call in the database cannot be read", call_id=call_id, why=str(error))
        return found
