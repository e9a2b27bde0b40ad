"""The writes of the holder of one lease."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import structlog

from bridge.faults import Fenced
from bridge.storage.fence import Fence
from bridge.storage.statement import Counts, Write
from bridge.storage.waiting_group import names
from bridge.storage.write_queue import WriteQueue

log = structlog.get_logger()


class FencedWrites:
    """Implements RowWriter: what goes through it is written under one epoch of one lease.

    `fence_of`: the fence of the lease while this instance may act on it, None while it may not. The
    first one that it gives stays. Another epoch is another turn as the holder, with other parts.
    """

    def __init__(self, queue: WriteQueue, fence_of: Callable[[], Fence | None]) -> None:
        self._queue = queue
        self._fence_of = fence_of
        self._first = fence_of()

    @property
    def waiting(self) -> int:
        """As `WriteQueue.waiting`: those of all leases, and of none."""
        return self._queue.waiting

    async def submit(self, *writes: Write, within_s: float | None = None) -> Counts:
        """As `WriteQueue.submit`. Raises Fenced at once while the instance may not act."""
        fence = self._fence_of()
        if self._first is None:
            self._first = fence
        if fence is None or fence != self._first:
            raise Fenced(_NOT_NOW if self._first is None else _not_held(self._first))
        return await self._queue.submit(*writes, within_s=within_s, fence=fence)

    def submit_later(
        self,
        *writes: Write,
        key: Hashable = None,
        final: bool = False,
        written: Callable[[], None] | None = None,
    ) -> bool:
        """As `WriteQueue.submit_later`, also while the instance may not act.

        These tell what has happened already, such as the end of a call. While the database cannot
        be reached they wait with their epoch. If nobody else took the lease meanwhile, they are
        written; otherwise the database knows another epoch, and they are dropped.
        """
        if self._first is None:
            self._first = self._fence_of()
        fence = self._first
        if fence is None:
            if writes:
                log.error("writes_lost", why=_NOT_NOW, groups=1, statements=names(writes))
            return False
        # A group of another epoch must not make one of this epoch needless: it may be dropped.
        key = None if key is None else (fence, key)
        return self._queue.submit_later(*writes, key=key, final=final, written=written, fence=fence)

    async def caught_up(self, within_s: float | None = None) -> bool:
        """As `WriteQueue.caught_up`: it waits for the writes of all leases."""
        return await self._queue.caught_up(within_s)


_NOT_NOW = "this instance holds no lease for it"


def _not_held(fence: Fence) -> str:
    return f"{fence.resource} is taken over from this instance, or may be at any moment"
