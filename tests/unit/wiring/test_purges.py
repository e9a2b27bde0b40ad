"""Old rows are removed by the clock that all instances share."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from bridge.wiring.rounds import PURGE_INTERVAL_S, begin_purges
from tests.lab.instant_time import instant


@instant
async def test_the_moment_is_that_of_the_given_clock() -> None:
    """By a clock of its own that is a month ahead, one instance would remove the calls of all."""
    moments: list[int] = []

    async def remove(now_ms: int) -> None:
        moments.append(now_ms)

    async with AsyncExitStack() as stack:
        begin_purges(stack, "purge", {"calls": remove}, now_ms=lambda: 42)
        await asyncio.sleep(PURGE_INTERVAL_S + 1)
    assert moments == [42]
