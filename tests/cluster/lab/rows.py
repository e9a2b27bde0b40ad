"""What the database of a cluster has, read past the instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg  # type: ignore[import-untyped]


async def rows_of(database_url: str, query: str, *values: object) -> Sequence[Mapping[str, Any]]:
    """What it has now; `database_url` as the setting has it."""
    connection = await asyncpg.connect(
        database_url.replace("postgresql+asyncpg://", "postgresql://")
    )
    try:
        return list(await connection.fetch(query, *values))
    finally:
        await connection.close()
