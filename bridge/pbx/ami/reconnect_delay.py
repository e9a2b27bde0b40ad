"""How long to wait before the next attempt."""

from __future__ import annotations

import asyncio
import random


class ReconnectDelay:
    """Doubles from `min_s` to `max_s`, each time with up to a quarter taken off at random."""

    def __init__(self, min_s: float, max_s: float, chance: random.Random | None = None) -> None:
        self._min_s = min_s
        self._max_s = max_s
        self._chance = chance or random.Random()  # noqa: S311  # spreads load, hides nothing
        self._next_s = min_s

    def next(self) -> float:
        """Seconds to wait now, up to a quarter less by chance.

        The next delay is twice as long, up to the longest.
        """
        delay_s = self._next_s * (1 - self._chance.random() / 4)
        self._next_s = min(self._next_s * 2, self._max_s)
        return delay_s

    def reset(self) -> None:
        """The next delay is the shortest one again."""
        self._next_s = self._min_s


async def wait_unless(stopping: asyncio.Event, seconds: float) -> None:
    """Sleep, but not longer than until `stopping` is set."""
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return
