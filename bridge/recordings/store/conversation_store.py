"""Conversations on disk, as bridge.recordings wants it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.recordings.conversation import Conversation, Marker, Marks, StoredConversation
from bridge.recordings.conversation_records import LimitReached
from bridge.recordings.deletion_request import DeletionRequest
from bridge.recordings.selection import Progress, SearchOrder, Selection
from bridge.recordings.store import conversation_writes as writes
from bridge.storage.conversation_tables import (
    conversation_deletions,
    conversation_markers,
    conversation_metadata,
    conversation_numbers,
    conversations,
)
from bridge.storage.engine import reading
from bridge.storage.row_writer import RowWriter
from bridge.supervision.fair_share import in_turns

log = structlog.get_logger()

_ASKED_AT_ONCE = 500

_c = conversations.c
_VISIBLE = or_(_c.deletion_ms.is_(None), _c.failure.is_not(None))
_FIELDS: dict[str, ColumnElement[Any]] = {
    "ccdr_id": _c.id,
    "platform_call_id": _c.platform_call_id,
    "native_id": _c.native_id,
    "meeting_id": _c.meeting_id,
    "source_caller_id": _c.source_number,
    "source_name": _c.source_name,
    "destination_caller_id": _c.destination_number,
    "destination_name": _c.destination_name,
    "start_time": _c.started_ms,
    "end_time": _c.ended_ms,
}


class ConversationStore:
    """Implements bridge.recordings.conversation_records; every method raises StorageUnavailable."""

    def __init__(self, engine: AsyncEngine, queue: RowWriter) -> None:
        self._engine = engine
        self._queue = queue

    async def create(self, conversation: Conversation) -> None:
        await self._queue.submit(*writes.insert_conversation(conversation))

    async def update(self, conversation: Conversation) -> bool:
        counts = await self._queue.submit(*writes.update_conversation(conversation))
        return counts[0] == 1

    async def get(self, conversation_id: str) -> StoredConversation | None:
        found = await self._read(_select().where(_c.id == conversation_id))
        return found[0] if found else None

    async def of_call(self, call_id: str) -> StoredConversation | None:
        found = await self._read(_select().where(_c.call_id == call_id))
        return found[0] if found else None

    async def select(self, selection: Selection, limit: int) -> list[StoredConversation]:
        conditions = _progress(selection.progress)
        if not selection.also_marked:
            conditions.append(_VISIBLE)
        for column, value in (
            (_c.id, selection.conversation_id),
            (_c.platform_call_id, selection.platform_call_id),
            (_c.native_id, selection.native_id),
            (_c.meeting_id, selection.meeting_id),
        ):
            if value is not None:
                conditions.append(column == value)
        if selection.organization is not None:
            conditions.append(_takes_part(selection.organization))
        if selection.numbers:
            of_number = select(conversation_numbers.c.conversation_id).where(
                conversation_numbers.c.number.in_(sorted(selection.numbers))
            )
            conditions.append(_c.id.in_(of_number))
        # The last one is the one that ended last; the others are in no such order.
        newest = _c.ended_ms if selection.progress is Progress.FINISHED else _c.started_ms
        query = _select().where(*conditions).order_by(newest.desc(), _c.started_ms.desc())
        return await self._read(query.limit(limit))

    async def search(self, order: SearchOrder) -> list[StoredConversation]:
        conditions = [_VISIBLE, *_progress(order.progress)]
        if order.organization is not None:
            conditions.append(_takes_part(order.organization))
        if order.from_ms is not None:
            conditions.append(_c.started_ms >= order.from_ms)
        if order.until_ms is not None:
            conditions.append(_c.started_ms <= order.until_ms)
        conditions += [_FIELDS[name] == value for name, value in order.equal.items()]
        if order.any_number:
            number = conversation_numbers.c.number
            parts = or_(*(number.contains(x, autoescape=True) for x in order.any_number))
            conditions.append(
                _c.id.in_(select(conversation_numbers.c.conversation_id).where(parts))
            )
        if order.any_name:
            conditions.append(or_(*(_has_name(x) for x in order.any_name)))
        by = _FIELDS[order.order_by]
        query = _select().where(*conditions).order_by(by.desc() if order.descending else by, _c.id)
        return await self._read(query.offset(order.offset).limit(order.limit))

    async def ongoing(self, pbx: str) -> list[StoredConversation]:
        return await self._read(_select().where(_c.pbx == pbx, _c.ended_ms.is_(None)))

    async def unfinished(self, pbx: str) -> list[StoredConversation]:
        unmeasured = and_(_c.ended_ms.is_not(None), _c.measured == 0)
        query = _select().where(_c.pbx == pbx, or_(_c.deletion_ms.is_not(None), unmeasured))
        return await self._read(query.order_by(_c.started_ms))

    async def mark_deletion(self, conversation: Conversation, request: DeletionRequest) -> bool:
        counts = await self._queue.submit(*writes.mark_deletion(conversation, request))
        return counts[0] == 1

    async def was_deleted(self, either_id: str) -> bool:
        c = conversation_deletions.c
        of_id = or_(c.conversation_id == either_id, c.phone_call_id == either_id)
        query = select(c.conversation_id).where(of_id).limit(1)
        async with reading(self._engine) as connection:
            return (await connection.execute(query)).first() is not None

    async def deletion_failed(self, conversation_id: str, why: str | None) -> None:
        await self._queue.submit(writes.deletion_failed(conversation_id, why))

    async def remove(self, conversation_id: str, at_ms: int) -> bool:
        counts = await self._queue.submit(*writes.remove_conversation(conversation_id, at_ms))
        return counts[0] == 1

    async def discard(self, conversation_id: str) -> None:
        await self._queue.submit(writes.discard_conversation(conversation_id))

    async def protect(self, conversation_id: str, *, protected: bool) -> bool:
        [count] = await self._queue.submit(
            writes.protect_conversation(conversation_id, protected=protected)
        )
        return count == 1

    async def add_marker(
        self, conversation_id: str, name: str, start_ms: int, end_ms: int | None, at_most: int
    ) -> bool:
        found, added = await self._queue.submit(
            *writes.add_marker(conversation_id, name, start_ms, end_ms, at_most)
        )
        if found and not added:
            raise LimitReached
        return found == 1

    async def end_marker(self, conversation_id: str, name: str, end_ms: int) -> bool:
        known = await self.markers(conversation_id)
        for marker in reversed(known):
            if marker.end_ms is None and name in ("", marker.name):
                [count] = await self._queue.submit(
                    writes.end_marker(conversation_id, marker.number, end_ms)
                )
                return count == 1
        return False

    async def markers(self, conversation_id: str) -> list[Marker]:
        c = conversation_markers.c
        query = select(c.number, c.name, c.start_ms, c.end_ms).where(
            c.conversation_id == conversation_id
        )
        async with reading(self._engine) as connection:
            return [Marker(*row) for row in await connection.execute(query.order_by(c.number))]

    async def attach(
        self, conversation_id: str, values: Mapping[str, str], at_most: int | None = None
    ) -> bool:
        found, fits, *_ = await self._queue.submit(*writes.attach(conversation_id, values, at_most))
        if found and not fits:
            raise LimitReached
        return found == 1

    async def metadata(self, conversation_id: str) -> dict[str, str]:
        c = conversation_metadata.c
        query = select(c.name, c.value).where(c.conversation_id == conversation_id)
        async with reading(self._engine) as connection:
            rows = await connection.execute(query.order_by(c.name))
            return {row.name: row.value for row in rows}

    async def metadata_of(self, conversation_ids: Collection[str]) -> dict[str, dict[str, str]]:
        c = conversation_metadata.c
        found: dict[str, dict[str, str]] = {x: {} for x in conversation_ids}
        ids = list(found)
        async with reading(self._engine) as connection:
            # SQLAlchemy writes the name of each into the statement, on the event loop.
            for first in range(0, len(ids), _ASKED_AT_ONCE):
                some = ids[first : first + _ASKED_AT_ONCE]
                query = select(c.conversation_id, c.name, c.value).where(
                    c.conversation_id.in_(some)
                )
                for row in await connection.execute(query.order_by(c.name)):
                    found[row.conversation_id][row.name] = row.value
        return found

    async def _read(self, query: Select[Any]) -> list[StoredConversation]:
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query)).all()
        return [x for x in await in_turns(rows, _decode) if x is not None]


def _decode(row: Row[Any]) -> StoredConversation | None:
    try:
        conversation = writes.conversation_from_document(row.document)
    except ValidationError as error:  # one such row must not prevent the start
        log.error("conversation_unreadable", conversation_id=row.id, errors=error.error_count())
        return None
    marks = Marks(bool(row.protected), row.deletion_ms, row.failure)
    return StoredConversation(conversation, marks)


def _select() -> Select[Any]:
    return select(_c.id, _c.document, _c.protected, _c.deletion_ms, _c.failure)


def _progress(progress: Progress | None) -> list[ColumnElement[bool]]:
    if progress is None:
        return []
    ongoing = _c.ended_ms.is_(None)
    return [ongoing if progress is Progress.ONGOING else _c.ended_ms.is_not(None)]


def _takes_part(organization: str) -> ColumnElement[bool]:
    """It pays, or one of its extensions calls or is called."""
    number = conversation_numbers.c.number
    own = select(number).where(
        conversation_numbers.c.conversation_id == _c.id,
        number.startswith(f"{organization}*", autoescape=True),
    )
    return or_(_c.organization == organization, own.exists())


def _has_name(part: str) -> ColumnElement[bool]:
    """SQLite's LIKE ignores the case of ASCII letters, PostgreSQL's does not."""
    return or_(
        func.lower(_c.source_name).contains(part.lower(), autoescape=True),
        func.lower(_c.destination_name).contains(part.lower(), autoescape=True),
    )
