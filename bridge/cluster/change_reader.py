"""Hears what other instances have changed of all that this one keeps in memory.

The rows of `shared_changes` tell it. They are read at an interval, after a hint, and when another
instance asks for it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.cluster.hints import Hints
from bridge.faults import StorageUnavailable
from bridge.storage.cluster_tables import shared_changes
from bridge.storage.engine import reading
from bridge.storage.shared_changes import CHANNEL, KEPT_MS, database_clock_ms
from bridge.supervision.tasks import LivingTask, must_live

log = structlog.get_logger()

POLL_S = 1.0
OVERLAP_MS = 20_000
"""A row has the moment of its INSERT, and can be read after its COMMIT, which is later."""

ROWS_MAX = 2_000
"""Of so many rows at once one reads everything again: that is less work."""

Hear = Callable[[frozenset[str] | None], Awaitable[None]]
"""Gets the keys that were changed; None: any of them may have been. May raise StorageUnavailable;
it is called again then."""


@dataclass(frozen=True, slots=True)
class _Row:
    id: str
    kind: str
    key: str


class ChangeReader:
    """`start` before anything is loaded that others may change; listeners may come later, and hear
    that something was changed before them.

    Without `hints` only the interval, `poll_s`, and `catch_up` make it read.
    """

    def __init__(self, engine: AsyncEngine, hints: Hints | None, poll_s: float = POLL_S) -> None:
        self._engine = engine
        self._poll_s = poll_s
        self._listeners: dict[str, Hear] = {}
        self._missed: set[str] = set()  # kinds that had no listener when they were changed
        self._heard: set[str] = set()  # ids of rows that may be read once more
        self._until_ms = 0  # up to this moment, of the clock of the database, all is heard
        self._reads = 0
        self._turn = asyncio.Lock()
        self._wake = asyncio.Event()
        self._task: LivingTask | None = None
        if hints is not None:
            hints.listen(CHANNEL, lambda _: self._wake.set())

    def hear(self, kind: str, listener: Hear) -> None:
        """Call `listener` with each change of that kind since `start`."""
        self._listeners[kind] = listener
        if kind in self._missed:
            self._wake.set()

    async def start(self) -> None:
        """Hear of each change from now on. Raises StorageUnavailable."""
        self._until_ms, rows = await self._new_rows(None)
        self._heard = {x.id for x in rows}
        self._task = must_live(self._run(), "shared_changes")

    async def stop(self) -> None:
        """Hear nothing more."""
        if self._task is not None:
            await self._task.stop()

    async def catch_up(self) -> None:
        """Return when the listeners have heard all that was committed before the call.

        Raises StorageUnavailable.
        """
        begun_before = self._reads
        async with self._turn:
            if self._reads == begun_before:  # else one has begun since, and is over
                await self._read()

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._poll_s):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                await self.catch_up()
            except StorageUnavailable as why:
                log.debug("shared_changes_not_read", why=str(why))

    async def _read(self) -> None:
        """Raises StorageUnavailable, of the database or of a listener; the next call repeats it."""
        self._reads += 1
        for kind in self._missed & self._listeners.keys():
            await self._tell(kind, None)
            self._missed.discard(kind)
        now_ms, rows = await self._new_rows(self._until_ms - OVERLAP_MS)
        new = [x for x in rows if x.id not in self._heard]
        if len(rows) >= ROWS_MAX or now_ms - self._until_ms > KEPT_MS - 2 * OVERLAP_MS:
            for kind in self._listeners:
                await self._tell(kind, None)
        else:
            keys = defaultdict[str, set[str]](set)
            for row in new:
                keys[row.kind].add(row.key)
            for kind, changed in keys.items():
                await self._tell(kind, frozenset(changed))
        self._until_ms, self._heard = now_ms, {x.id for x in rows}

    async def _tell(self, kind: str, keys: frozenset[str] | None) -> None:
        listener = self._listeners.get(kind)
        if listener is None:
            self._missed.add(kind)
            return
        try:
            await listener(keys)
        except StorageUnavailable:
            raise
        except Exception:
            log.exception("shared_change_failed", kind=kind)

    async def _new_rows(self, after_ms: int | None) -> tuple[int, list[_Row]]:
        """The clock of the database before the read, and the rows."""
        async with reading(self._engine) as connection:
            now_ms = int((await connection.execute(select(database_clock_ms()))).scalar_one())
            since_ms = now_ms - OVERLAP_MS if after_ms is None else after_ms
            query = select(shared_changes).where(shared_changes.c.changed_ms > since_ms)
            query = query.order_by(shared_changes.c.changed_ms).limit(ROWS_MAX)
            rows = (await connection.execute(query)).all()
        return now_ms, [_Row(x.id, x.kind, x.key) for x in rows]
