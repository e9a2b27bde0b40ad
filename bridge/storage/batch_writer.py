"""What the write queue needs of a database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bridge.storage.statement import Counts, Group


class BatchWriter(Protocol):
    """The one writing connection; connects when needed, and again after it was lost."""

    async def commit(self, groups: Sequence[Group]) -> list[Counts]:
        """Apply all groups in one transaction; the counts of each are those of its writes.

        Raises StorageUnavailable, TransactionConflict, or the driver's error where a write itself
        is at fault. Nothing was applied then, but see StorageUnavailable.outcome_unknown.
        """

    async def close(self) -> None:
        """Close the connection. `commit` opens a new one."""
