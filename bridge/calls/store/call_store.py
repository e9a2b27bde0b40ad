"""PhoneCalls on disk: accepted before they are dialled, exactly one final record each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TypeVar

import structlog
from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.calls.call_chart import EndedMoments
from bridge.calls.state.phone_call import PhoneCall
from bridge.calls.store import call_detail_query, ended_call_query
from bridge.calls.store.call_detail import CallDetailQuestion, CallSum
from bridge.calls.store.call_document import UnreadableDocument, call_from_document
from bridge.calls.store.call_keyset import CallsAfter, Condition, positions_of
from bridge.calls.store.call_writes import insert_call, party_writes, upsert_call
from bridge.calls.store.ended_call_query import count_of, documents_of, page_of
from bridge.calls.store.ended_calls import CallPosition, EndedCalls
from bridge.calls.store.ended_moments import moments_of
from bridge.calls.store.idempotency_store import (
    IdempotencyConflict,
    IdempotencyEntry,
    IdempotencyStore,
)
from bridge.calls.store.known_parties import KnownParties
from bridge.storage.engine import reading
from bridge.storage.purge import purge_in_chunks
from bridge.storage.row_writer import RowWriter
from bridge.storage.statement import Statement, Write
from bridge.storage.tables import calls
from bridge.supervision.fair_share import in_turns

log = structlog.get_logger()

_PURGE = Statement(
    "DELETE FROM calls WHERE id IN (SELECT id FROM calls"
    " WHERE ended_ms < :before_ms ORDER BY ended_ms LIMIT :chunk)",
    many_rows=True,
)


# The driver and SQLAlchemy need about a millisecond of the event loop for this many rows.
_DOCUMENTS_AT_ONCE = 250

_Shown = TypeVar("_Shown")


class CallStore:
    """Every async method raises StorageUnavailable. Reads see the disk, so they may lag behind
    `track` and `finish_later` by a few milliseconds; `ended` waits for these.

    `extra` are rows that belong to a change. They are written in the same transaction. They are not
    written if the call has its final record already. As writes that nobody waits for may be applied
    twice, extra rows need a key of their own and ON CONFLICT DO NOTHING. `written` is called once
    they are on disk. `timeline_of` gives the timeline of a live call as text, by its id; it is
    written with each row of the call.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        queue: RowWriter,
        idempotency: IdempotencyStore | None = None,
        timeline_of: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self._engine = engine
        self._queue = queue
        self._idempotency = idempotency or IdempotencyStore(engine, queue)
        self._parties = KnownParties()
        self._timeline_of = timeline_of

    async def accept(
        self,
        call: PhoneCall,
        idempotency: IdempotencyEntry | None = None,
        extra: Sequence[Write] = (),
        others: Sequence[PhoneCall] = (),
    ) -> None:
        """A new call of the API, on disk when this returns; `others`: with it, all or none.

        Raises IdempotencyConflict if the client has used the key before; nothing is written then.
        """
        writes = [
            write
            for one in (call, *others)
            for write in (self._first_row(one), *party_writes(one, one.extensions))
        ]
        writes += extra
        if idempotency is None:
            await self._queue.submit(*writes)
            self._written(call, *others)
            return
        while True:
            counts = await self._queue.submit(self._idempotency.insert(idempotency), *writes)
            if counts[0]:
                self._written(call, *others)
                return
            existing = await self._idempotency.find(idempotency.client_id, idempotency.key)
            if existing is not None and existing.call_id == call.id:
                return  # this very one: a commit that was repeated had succeeded
            if existing is not None:  # None: purged in this very moment, so the key is free
                raise IdempotencyConflict(existing)

    def _written(self, *calls: PhoneCall) -> None:
        for call in calls:
            self._parties.written(call)

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
            raise ValueError("an ended call needs finish_later")
        parties = party_writes(call, self._parties.missing(call))
        taken = self._queue.submit_later(
            self._row(call, guard=bool(extra)),
            *parties,
            *extra,
            # with nothing but the state, a later state makes this one needless
            key=None if parties or extra else call.id,
            written=written,
        )
        if parties and taken:
            self._parties.written(call)

    async def mark(self, call: PhoneCall) -> None:
        """Like `track`, and on disk when this returns. Raises ValueError as `track` does."""
        if call.final is not None:
            raise ValueError("an ended call needs finish_later")
        await self._queue.submit(
            self._row(call, guard=False), *party_writes(call, self._parties.missing(call))
        )
        self._parties.written(call)

    def finish_later(
        self,
        call: PhoneCall,
        extra: Sequence[Write] = (),
        written: Callable[[], None] | None = None,
    ) -> None:
        """The final record, unless there is one; tried again until the database takes it.

        Raises ValueError for a call that has not ended.
        """
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
        self, asked: EndedCalls, show: Callable[[PhoneCall], _Shown]
    ) -> tuple[list[_Shown], int]:
        """The results of `show` for the calls of that page, and the number of calls on all
        pages."""
        if not asked.extensions:
            return [], 0
        # A client that sees a call leave the live calls asks for its end at once.
        await self._queue.caught_up(within_s=1.0)
        dialect = self._engine.dialect.name
        async with reading(self._engine) as connection:
            total = (await connection.execute(count_of(asked, dialect))).scalar_one()
            ids = (await connection.execute(page_of(asked, dialect))).scalars().all()
        return await self._documents_shown(ids, show), total

    async def ended_after(
        self, asked: EndedCalls, after: CallPosition | None, show: Callable[[PhoneCall], _Shown]
    ) -> tuple[list[_Shown], CallPosition | None]:
        """The results of `show` for the calls after that position, and the position of the last.

        The position is None if no calls follow. `asked.start` is not read.
        """
        await self._queue.caught_up(within_s=1.0)
        conditions = ended_call_query.conditions(asked, self._engine.dialect.name)
        page = CallsAfter(asked.extensions, after, asked.descending, asked.count)
        return await self._page_after(page, conditions, show)

    async def detail_records_after(
        self,
        asked: CallDetailQuestion,
        after: CallPosition | None,
        show: Callable[[PhoneCall], _Shown],
    ) -> tuple[list[_Shown], CallPosition | None]:
        """As `ended_after`."""
        await self._queue.caught_up(within_s=1.0)
        conditions = call_detail_query.conditions(asked, self._engine.dialect.name)
        page = CallsAfter(asked.extensions, after, asked.descending, asked.count)
        return await self._page_after(page, conditions, show)

    async def _page_after(
        self,
        page: CallsAfter,
        conditions: Sequence[Condition],
        show: Callable[[PhoneCall], _Shown],
    ) -> tuple[list[_Shown], CallPosition | None]:
        if not page.extensions:
            return [], None
        one_more = replace(page, count=page.count + 1)
        query = positions_of(one_more, conditions, self._engine.dialect.name)
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query)).all()
        some = rows[: page.count]
        more = len(rows) > page.count
        last = CallPosition(some[-1].published_ms, some[-1].call_id) if more else None
        return await self._documents_shown([x.call_id for x in some], show), last

    async def detail_records(
        self, asked: CallDetailQuestion, show: Callable[[PhoneCall], _Shown]
    ) -> tuple[list[_Shown], list[CallSum]]:
        """The results of `show` for the calls of that page, and the sums of all pages."""
        if not asked.extensions:
            return [], []
        sums = await self.call_sums(asked)
        async with reading(self._engine) as connection:
            page = call_detail_query.page_of(asked, self._engine.dialect.name)
            ids = (await connection.execute(page)).scalars().all()
        return await self._documents_shown(ids, show), sums

    async def call_sums(self, asked: CallDetailQuestion) -> list[CallSum]:
        """How many calls there are on all pages, by direction and disposition."""
        if not asked.extensions:
            return []
        await self._queue.caught_up(within_s=1.0)
        async with reading(self._engine) as connection:
            query = call_detail_query.sums_of(asked, self._engine.dialect.name)
            rows = (await connection.execute(query)).all()
        return [CallSum(bool(x.outgoing), x.disposition, x.calls) for x in rows]

    async def ended_moments(
        self, extensions: Collection[str], since_ms: int, most: int
    ) -> list[EndedMoments]:
        """As CallDetailRecords."""
        if not extensions:
            return []
        await self._queue.caught_up(within_s=1.0)
        async with reading(self._engine) as connection:
            query = moments_of(extensions, since_ms, most, self._engine.dialect.name)
            rows = (await connection.execute(query)).all()
        return await in_turns(rows, lambda x: EndedMoments(*x))

    async def _documents_shown(
        self, ids: Sequence[str], show: Callable[[PhoneCall], _Shown]
    ) -> list[_Shown]:
        shown: list[_Shown] = []
        for begin in range(0, len(ids), _DOCUMENTS_AT_ONCE):
            some = ids[begin : begin + _DOCUMENTS_AT_ONCE]
            async with reading(self._engine) as connection:
                rows = (await connection.execute(documents_of(some))).all()
            by_id = {row.id: row for row in rows}
            # decoded and shown one by one: so many calls at once would keep the search for garbage
            # busy for longer than any of them
            found = await in_turns(
                (by_id[x] for x in some if x in by_id), lambda row: _shown(row, show)
            )
            shown += [x for x in found if x is not None]
        return shown

    async def find(self, call_id: str) -> PhoneCall | None:
        """The call, live or ended."""
        found = await self._read(select(calls.c.id, calls.c.document).where(calls.c.id == call_id))
        return found[0] if found else None

    async def timeline(self, call_id: str) -> str | None:
        """The stored timeline of a call; None if it has none."""
        await self._queue.caught_up(within_s=1.0)
        async with reading(self._engine) as connection:
            found = await connection.execute(select(calls.c.timeline).where(calls.c.id == call_id))
            return found.scalar_one_or_none()

    async def live_timelines(self, pbx: str) -> dict[str, str]:
        """The stored timelines of the calls of that PBX without a final record, by their ids."""
        query = select(calls.c.id, calls.c.timeline).where(
            calls.c.pbx == pbx, calls.c.ended_ms.is_(None), calls.c.timeline.is_not(None)
        )
        async with reading(self._engine) as connection:
            return {row.id: row.timeline for row in (await connection.execute(query)).all()}

    async def purge_ended(self, before_ms: int) -> int:
        """Remove the calls that ended before that moment; returns how many."""
        return await purge_in_chunks(self._queue, _PURGE, before_ms)

    def _final_writes(self, call: PhoneCall, extra: Sequence[Write]) -> list[Write]:
        if call.final is None:
            raise ValueError("a call without an end cannot finish")
        parties = party_writes(call, self._parties.missing(call))
        return [self._row(call, guard=True), *parties, *extra]

    def _first_row(self, call: PhoneCall) -> Write:
        return insert_call(call, self._timeline_of(call.id))

    def _row(self, call: PhoneCall, *, guard: bool) -> Write:
        return upsert_call(call, self._timeline_of(call.id), guard=guard)

    async def _read(self, query: Select[str, str]) -> list[PhoneCall]:
        async with reading(self._engine) as connection:
            rows = (
                await connection.execute(query.order_by(calls.c.published_ms, calls.c.id))
            ).all()
        return await self._decoded(rows)

    async def _decoded(self, rows: Sequence[Row[str, str]]) -> list[PhoneCall]:
        return [x for x in await in_turns(rows, _decode) if x is not None]


def _shown(row: Row[str, str], show: Callable[[PhoneCall], _Shown]) -> _Shown | None:
    call = _decode(row)
    return None if call is None else show(call)


def _decode(row: Row[str, str]) -> PhoneCall | None:
    try:
        return call_from_document(row.document)
    except UnreadableDocument as error:  # one such row must not prevent the start
        log.error("call_unreadable", call_id=row.id, why=str(error))
        return None
