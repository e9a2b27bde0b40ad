"""The wall clock, and work that is done every so often."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger()


async def every(interval_s: float, name: str, work: Callable[[], Awaitable[object]]) -> None:
    """Run `work` every `interval_s` seconds without end; a failure is logged and the next round
    tried."""
    while True:
        await asyncio.sleep(interval_s)
        try:
            await work()
        except Exception:
            log.exception("maintenance_failed", work=name)


def now_ms() -> int:
    """Milliseconds since 1970 by this machine's clock (UTC)."""
    return time.time_ns() // 1_000_000
