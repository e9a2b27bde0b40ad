"""One action at a time: those on one call, or for one party, wait for each other, in their order.

So the last of them decides in which state the call is afterwards.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from bridge.calls.steering.errors import ActionFailed
from bridge.keyed_locks import KeyedLocks

WITHIN_S = 30.0
"""How long an action waits for those before it. Each of them ends within the limits of the link."""
WAITING_MAX = 20


class ActionTurns:
    """The turns of each key: the id of a call, or what else takes one action at a time."""

    def __init__(self) -> None:
        self._locks = KeyedLocks()
        self._waiting: Counter[Hashable] = Counter()

    @asynccontextmanager
    async def of(self, key: Hashable) -> AsyncIterator[None]:
        """Wait for the turn, and keep it until the block ends.

        Raises ActionFailed if WAITING_MAX others wait, or if it does not come within WITHIN_S.
        """
        if self._waiting[key] >= WAITING_MAX:
            raise ActionFailed("too many other actions wait for their turn")
        lock = self._locks.of(key)
        self._waiting[key] += 1
        try:
            async with asyncio.timeout(WITHIN_S):
                await lock.acquire()
        except TimeoutError:
            raise ActionFailed("another action is still under way") from None
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key]
        try:
            yield
        finally:
            lock.release()
