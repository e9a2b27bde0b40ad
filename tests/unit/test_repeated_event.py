"""How often a repeated event is told."""

from __future__ import annotations

import asyncio

from bridge.config.repeated_event import RepeatedEvent
from bridge.testing.eventually import eventually


async def test_the_first_is_told_at_once_and_the_others_together() -> None:
    told: list[int] = []
    event = RepeatedEvent(told.append, interval_s=0.05)
    for _ in range(1000):
        event.happened()
    assert told == [1]
    await eventually(lambda: len(told) == 2, 30)
    assert told == [1, 999]
    await asyncio.sleep(0.1)  # two intervals without it
    event.happened()
    assert told == [1, 999, 1]
    event.close()


async def test_what_was_not_told_yet_is_told_at_the_end() -> None:
    told: list[int] = []
    event = RepeatedEvent(told.append)
    for _ in range(3):
        event.happened()
    event.close()
    event.close()
    assert told == [1, 2]
