"""Work that is done every so often."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import structlog

from bridge.faults import Fenced, StorageUnavailable
from bridge.supervision.conditions import Condition

log = structlog.get_logger()


async def every(interval_s: float, name: str, work: Callable[[], Awaitable[object]]) -> None:
    """Run `work` every `interval_s` seconds without end; after a failure the next round follows.

    A failure is logged with its traceback. While the database is away there is one line, and one
    more once the work is done again.
    """
    put_off = Condition(
        "maintenance_put_off_began", "maintenance_put_off_ended", level=logging.WARNING, work=name
    )
    while True:
        await asyncio.sleep(interval_s)
        try:
            await work()
        except (StorageUnavailable, Fenced) as why:
            put_off.begin(str(why))
        except Exception:
            log.exception("maintenance_failed", work=name)
        else:
            put_off.end()
