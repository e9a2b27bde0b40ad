"""The protocol between a store and the writer of its rows."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Protocol

from bridge.storage.statement import Counts, Write


class RowWriter(Protocol):
    """Groups of writes, each applied as a whole or not at all, in the order of their submission.

    It is the `WriteQueue` for rows of the instance, and `FencedWrites` for rows that only the
    holder of a lease may write.
    """

    @property
    def waiting(self) -> int:
        """How many groups are not on disk yet, apart from those being written right now."""

    async def submit(self, *writes: Write, within_s: float | None = None) -> Counts:
        """Apply the writes together; returns how many rows each changed, once that is on disk.

        Raises StorageUnavailable, StorageOverloaded, Fenced, or the driver's error for these
        writes.
        """

    def submit_later(
        self,
        *writes: Write,
        key: Hashable = None,
        final: bool = False,
        written: Callable[[], None] | None = None,
    ) -> bool:
        """Apply the writes together and soon, as `WriteQueue.submit_later`; nobody waits."""

    async def caught_up(self, within_s: float | None = None) -> bool:
        """True once all that was submitted until now is on disk; False if it cannot be written
        now."""
