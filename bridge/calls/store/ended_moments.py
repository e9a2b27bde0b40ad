"""The moments of ended calls in SQL, for charts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, select

from bridge.calls.store.call_detail_query import disposition_of
from bridge.storage.tables import call_parties, calls


def moments_of(extensions: Collection[str], since_ms: int, most: int, dialect: str) -> Select[Any]:
    """The query for the newest `most` ended calls of the extensions that began at `since_ms` or
    later. The key of the parties finds them, so older calls cost nothing."""
    c, party = calls.c, call_parties.c
    ids = select(party.call_id).where(
        party.extension.in_(sorted(extensions)), party.published_ms >= since_ms
    )
    columns = (c.published_ms, c.answered_ms, c.ended_ms, disposition_of(dialect))
    return (
        select(*columns)
        .where(c.id.in_(ids), c.ended_ms.is_not(None))
        .order_by(c.published_ms.desc())
        .limit(most)
    )
