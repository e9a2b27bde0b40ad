"""Reads a table of the edge in pages: it may have a hundred thousand rows.

All at once would hold the event loop for a second, and its answer could come too late.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.storage.engine import reading

PAGE = 500
"""The driver and SQLAlchemy need a few milliseconds of the event loop for so many rows."""


def in_pages(query: str, number: str) -> TextClause:
    """The query for `rows_by_number`.

    `query` ends with a condition. `number`: its first column, which no two rows share.
    """
    return text(f"{query} AND {number} > :after ORDER BY {number} LIMIT {PAGE}")


async def rows_by_number(
    engine: AsyncEngine, query: TextClause, values: Mapping[str, object] = MappingProxyType({})
) -> AsyncIterator[Any]:
    """All rows, sorted by number. Raises StorageUnavailable.

    Each page is as the table is when it is read.
    """
    after = ""
    while True:
        async with reading(engine) as connection:
            rows = (await connection.execute(query, {**values, "after": after})).all()
        for row in rows:
            yield row
        if len(rows) < PAGE:
            return
        after = rows[-1][0]
