"""Remove old rows without holding up the writes that calls wait for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import structlog

from bridge.faults import StorageUnavailable
from bridge.storage.row_writer import RowWriter
from bridge.storage.statement import Statement

log = structlog.get_logger()

# some milliseconds of work: what others wait at most behind one chunk
_CHUNK = 200


async def purge_in_chunks(queue: RowWriter, delete: Statement, before_ms: int) -> int:
    """Run `delete`, which takes `before_ms` and `chunk`, until nothing is left; returns how many.

    Each chunk goes through the queue like any other write, so others get between them.
    """
    removed = 0
    while True:
        [count] = await queue.submit(delete.write(before_ms=before_ms, chunk=_CHUNK))
        removed += count
        if count < _CHUNK:
            return removed


async def purge_each(purges: Mapping[str, Callable[[], Awaitable[object]]]) -> None:
    """Each by itself: what one cannot do now leaves out none of the others. Raises nothing."""
    for what, purge in purges.items():
        try:
            await purge()
        except StorageUnavailable as why:
            log.warning("purge_put_off", work=what, why=str(why))
        except Exception:
            log.exception("purge_failed", work=what)
