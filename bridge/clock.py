"""The wall clock, and work that is done every so often."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from bridge.faults import Fenced, StorageUnavailable

log = structlog.get_logger()


async def every(interval_s: float, name: str, work: Callable[[], Awaitable[object]]) -> None:
    """Run `work` every `interval_s` seconds without end; after a failure the next round follows.

    A failure is logged with its traceback. While the database is away there is one line, and one
    more once the work is done again.
    """
    now_s = asyncio.get_running_loop().time
    put_off_since_s: float | None = None
    while True:
        await asyncio.sleep(interval_s)
        try:
            await work()
        except (StorageUnavailable, Fenced) as why:
            if put_off_since_s is None:
                put_off_since_s = now_s()
                log.warning("maintenance_put_off_began", work=name, why=str(why))
        except Exception:
            log.exception("maintenance_failed", work=name)
        else:
            if put_off_since_s is not None:
                lasted_s = round(now_s() - put_off_since_s, 1)
                log.warning("maintenance_put_off_ended", work=name, lasted_s=lasted_s)
                put_off_since_s = None


def now_ms() -> int:
    """Milliseconds since 1970 by this machine's clock (UTC)."""
    return time.time_ns() // 1_000_000
