"""The protocol between the write queue and a database, and the choice of the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.storage.fence import Fence
from bridge.storage.statement import Counts, Group

Committed = Callable[[list[Counts]], None]
"""It is told what `commit` returns, a turn of the event loop earlier. `commit` raises its fault."""


class BatchWriter(Protocol):
    """The one writing connection; connects when needed, and again after it was lost."""

    async def commit(
        self,
        groups: Sequence[Group],
        fences: Sequence[Fence] = (),
        committed: Committed = lambda _: None,
    ) -> list[Counts]:
        """Apply all groups in one transaction; each list has the row counts of one group.

        The leases of `fences` keep their epochs until the COMMIT. Raises FencesLost if one of them
        has another already. Raises StorageUnavailable, TransactionConflict, or the driver's error
        where a write itself is at fault. No group is applied then, unless
        StorageUnavailable.outcome_unknown is set.
        """

    async def close(self) -> None:
        """Close the connection. `commit` opens a new one."""


def batch_writer(engine: AsyncEngine) -> BatchWriter:
    """Each import loads the driver of its engine, and only one is used."""
    if engine.dialect.name == "sqlite":
        from bridge.storage.sqlite_writer import SqliteWriter

        return SqliteWriter(engine)
    from bridge.storage.postgresql_writer import PostgresqlWriter

    return PostgresqlWriter(engine)
