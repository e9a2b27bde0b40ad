"""Long work on the event loop that lets others have their turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

TURN_S = 0.004


async def in_turns(items: Iterable[_Item], work: Callable[[_Item], _Result]) -> list[_Result]:
    """`work` of each item, in order; after every `TURN_S` of it all others on the loop have a turn.

    A page may have thousands of items, and calls, events and other requests wait meanwhile.
    """
    results: list[_Result] = []
    until_s = time.perf_counter() + TURN_S
    for item in items:
        results.append(work(item))
        if time.perf_counter() >= until_s:
            await asyncio.sleep(0)
            until_s = time.perf_counter() + TURN_S
    return results
