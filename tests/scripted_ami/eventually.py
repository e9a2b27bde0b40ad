"""For what no listener is told about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def eventually(condition: Callable[[], bool], timeout: float = 5) -> None:
    """Until it holds, looked at every 10 ms; TimeoutError after `timeout` seconds."""
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110  # nothing there to wait on
            await asyncio.sleep(0.01)
