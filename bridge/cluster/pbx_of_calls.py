"""Which PBX a call is on, and where extensions have live calls, as the database knows it."""

from __future__ import annotations

import re
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.storage.conversation_tables import conversation_numbers, conversations
from bridge.storage.engine import reading
from bridge.storage.tables import call_parties, calls

_CALL_ID = re.compile(r"[A-Za-z0-9]{1,255}\Z")


class PbxOfCalls:
    """Every method raises StorageUnavailable."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def of_call(self, call_id: str) -> str | None:
        """The PBX of that call, live or ended; None if there is none.

        The database refuses some texts as a whole, so nothing but an id gets there.
        """
        if not _CALL_ID.match(call_id):
            return None
        query = select(calls.c.pbx).where(calls.c.id == call_id)
        async with reading(self._engine) as connection:
            return (await connection.execute(query)).scalar_one_or_none()

    async def has_ended(self, call_id: str) -> bool:
        """Whether that call has its final record on disk."""
        if not _CALL_ID.match(call_id):
            return False
        query = select(calls.c.ended_ms).where(calls.c.id == call_id)
        async with reading(self._engine) as connection:
            return (await connection.execute(query)).scalar_one_or_none() is not None

    async def of_live_calls(self, extensions: Collection[str]) -> frozenset[str]:
        """The PBXs on which one of the extensions has a live call.

        The live calls are few beside all calls of an extension, so they are read first.
        """
        mine = (
            select(call_parties.c.call_id)
            .where(
                call_parties.c.extension.in_(extensions),
                call_parties.c.published_ms == calls.c.published_ms,
                call_parties.c.call_id == calls.c.id,
            )
            .exists()
        )
        query = select(calls.c.pbx).where(calls.c.ended_ms.is_(None), mine).distinct()
        async with reading(self._engine) as connection:
            return frozenset((await connection.execute(query)).scalars())

    async def of_conversation(self, name: str, value: str) -> frozenset[str]:
        """The PBXs of conversations by one of their ids; `name`: a column of `conversations`."""
        query = select(conversations.c.pbx).where(conversations.c[name] == value).distinct()
        async with reading(self._engine) as connection:
            return frozenset((await connection.execute(query)).scalars())

    async def of_newest_conversation(
        self, numbers: Collection[str], *, ongoing: bool
    ) -> str | None:
        """The PBX of the newest conversation of these numbers; None if there is none."""
        ended = conversations.c.ended_ms
        found = select(conversation_numbers.c.conversation_id).where(
            conversation_numbers.c.number.in_(numbers)
        )
        query = (
            select(conversations.c.pbx)
            .where(
                conversations.c.id.in_(found),
                ended.is_(None) if ongoing else ended.is_not(None),
            )
            .order_by((conversations.c.started_ms if ongoing else ended).desc())
            .limit(1)
        )
        async with reading(self._engine) as connection:
            return (await connection.execute(query)).scalar_one_or_none()
