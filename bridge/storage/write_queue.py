"""Group commit: everything that waits to be written goes into one transaction."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Hashable

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.storage.batch_writer import BatchWriter
from bridge.storage.faults import StorageOverloaded, StorageUnavailable, TransactionConflict
from bridge.storage.statement import Counts, Write
from bridge.storage.waiting_group import WaitingGroup, names, refuse, without_superseded

log = structlog.get_logger(__name__)

_ATTEMPTS_IN_A_CONFLICT = 5
FAILURE_TOLD_S = 30.0


class WriteQueue:
    """Applies groups of writes in the order of their submission, each as a whole or not at all.

    `max_batch` and `max_waiting` count groups. Writes that nobody waits for are held back for at
    most `linger_ms` for others to join; those that somebody waits for take them along. These wait
    only while another batch is written, and for `pace_ms` to have passed since that one began:
    alone they are written at once, under load more of them share the cost of a transaction.
    After a failure of the database they are tried again, `first_retry_ms` later at first, then with
    a delay that doubles up to `last_retry_ms`; they keep their order.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        max_batch: int = 500,
        max_waiting: int = 20_000,
        linger_ms: int = 10,
        pace_ms: int = 4,
        first_retry_ms: int = 100,
        last_retry_ms: int = 5_000,
    ) -> None:
        self._writer = _writer(engine)
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._linger_s = linger_ms / 1000
        self._pace_s = pace_ms / 1000
        self._last_batch_s = 0.0  # when it began, of the loop's clock
        self._first_retry_s = first_retry_ms / 1000
        self._last_retry_s = last_retry_ms / 1000
        self._retry_s = self._first_retry_s
        self._waiting: deque[WaitingGroup] = deque()
        self._urgent = 0  # how many in `_waiting` have somebody waiting for them
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._accepts = False
        self._writing = False
        self._failure: tuple[float, str] | None = None  # when, of the loop's clock, and why

    @property
    def problem(self) -> str:
        """Why nothing can be written; empty once a write has succeeded, or none was tried lately.

        Whoever keeps writers away because of it must let them in again: they find out.
        """
        if self._failure is None:
            return ""
        at_s, why = self._failure
        return why if asyncio.get_running_loop().time() - at_s < FAILURE_TOLD_S else ""

    @property
    def waiting(self) -> int:
        """How many groups are not on disk yet, apart from those being written right now."""
        return len(self._waiting)

    async def start(self) -> None:
        self._accepts = True
        self._task = asyncio.create_task(self._run(), name="write queue")

    async def stop(self) -> None:
        """Write all that waits, then end. What cannot be written now is logged as lost."""
        self._accepts = False
        if self._task is not None:
            self._wake.set()
            await self._task
            self._task = None
        await self._writer.close()

    async def submit(self, *writes: Write) -> Counts:
        """Apply the writes together; returns how many rows each changed, once that is on disk.

        A submitter that is cancelled while its writes still wait takes them back.
        Raises StorageUnavailable, StorageOverloaded, or the driver's error for these writes.
        """
        if not self._accepts:
            raise StorageUnavailable("the write queue is stopped")
        if len(self._waiting) >= self._max_waiting and not self._made_room():
            raise StorageOverloaded(f"{self._max_waiting} groups of writes wait already")
        answer: asyncio.Future[Counts] = asyncio.get_running_loop().create_future()
        self._waiting.append(WaitingGroup(writes, answer))
        self._urgent += 1
        self._wake.set()
        return await answer

    async def caught_up(self) -> None:
        """Return when all that was submitted until now is on disk, or cannot be written now."""
        if self._waiting or self._writing:
            with contextlib.suppress(StorageUnavailable):
                await self.submit()

    def submit_later(
        self,
        *writes: Write,
        key: Hashable = None,
        final: bool = False,
        written: Callable[[], None] | None = None,
    ) -> None:
        """Apply the writes together and soon; nobody waits, a failure of the database is retried.

        As a retry may follow a success that went unnoticed, applying them twice must do no harm.
        A waiting group is left out when a later one has the same `key`, so only groups that
        overwrite each other completely may share one; a `final` group is never left out.
        `written` is called once they are on disk; it must not raise.
        Writes are lost, with an error in the log, when they are wrong themselves, when too many
        wait, or when the database is down at the stop.
        """
        if not self._accepts:
            log.error("write lost: the write queue is stopped", statements=names(writes))
            return
        if len(self._waiting) >= self._max_waiting and not self._made_room():
            log.error("write lost: too many are waiting", statements=names(writes))
            return
        self._waiting.append(WaitingGroup(writes, None, key, final, written))
        if self._timer is None:
            self._wake_in(self._linger_s)

    def _wake_in(self, delay_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._wake.set)

    def _made_room(self) -> bool:
        self._waiting = deque(without_superseded(list(self._waiting)))
        return len(self._waiting) < self._max_waiting

    async def _run(self) -> None:
        while self._accepts or self._waiting:
            await self._wake.wait()
            await self._keep_pace()
            self._wake.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            batch = self._next_batch()
            if not batch:
                continue
            self._writing = True
            undone = await self._write(batch)
            self._writing = False
            if undone:
                self._put_back(undone)
            else:
                self._retry_s = self._first_retry_s
                self._schedule_the_rest()

    async def _keep_pace(self) -> None:
        now_s = asyncio.get_running_loop().time
        early_s = self._last_batch_s + self._pace_s - now_s()
        if early_s > 0 and self._accepts and len(self._waiting) < self._max_batch:
            await asyncio.sleep(early_s)
        else:
            await asyncio.sleep(0)  # whoever submits in this very round of the loop joins
        self._last_batch_s = now_s()

    def _schedule_the_rest(self) -> None:
        if self._urgent or not self._accepts or len(self._waiting) >= self._max_batch:
            self._wake.set()
        elif self._waiting and self._timer is None:
            self._wake_in(self._linger_s)

    def _next_batch(self) -> list[WaitingGroup]:
        batch: list[WaitingGroup] = []
        while self._waiting and len(batch) < self._max_batch:
            group = self._waiting.popleft()
            if group.answer is not None:
                self._urgent -= 1
                if group.answer.cancelled():
                    continue
            batch.append(group)
        return without_superseded(batch)

    def _put_back(self, undone: list[WaitingGroup]) -> None:
        if not self._accepts:
            self._lose([*undone, *self._waiting])
            self._waiting.clear()
            return
        self._waiting.extendleft(reversed(undone))
        self._wake_in(self._retry_s)
        self._retry_s = min(self._retry_s * 2, self._last_retry_s)

    def _lose(self, groups: list[WaitingGroup]) -> None:
        """All at once: to try each of many batches might hold the stop up for minutes."""
        why = "the database is down at the stop"
        log.error(f"writes lost: {why}", groups=sum(group.answer is None for group in groups))
        for group in groups:
            if group.answer is not None:
                refuse(group, StorageUnavailable(why))

    async def _write(self, batch: list[WaitingGroup]) -> list[WaitingGroup]:
        """Returns the groups to try again later."""
        try:
            counts = await self._writer.commit([group.writes for group in batch])
        except StorageUnavailable as error:
            return self._unavailable(batch, error)
        except Exception as error:
            if len(batch) == 1 and not isinstance(error, TransactionConflict):
                refuse(batch[0], error)
                return []
            return await self._write_singly(batch)
        self._failure = None
        for group, of_group in zip(batch, counts, strict=True):
            group.applied(of_group)
        return []

    async def _write_singly(self, batch: list[WaitingGroup]) -> list[WaitingGroup]:
        """One group of the batch is wrong, or another instance was in the way."""
        for number, group in enumerate(batch):
            for _ in range(_ATTEMPTS_IN_A_CONFLICT):
                try:
                    [counts] = await self._writer.commit([group.writes])
                except TransactionConflict:
                    continue
                except StorageUnavailable as error:
                    return self._unavailable(batch[number:], error)
                except Exception as error:
                    refuse(group, error)
                else:
                    self._failure = None
                    group.applied(counts)
                break
            else:
                conflict = StorageUnavailable("others write to the same rows again and again")
                return self._unavailable(batch[number:], conflict)
        return []

    def _unavailable(
        self, batch: list[WaitingGroup], error: StorageUnavailable
    ) -> list[WaitingGroup]:
        self._failure = asyncio.get_running_loop().time(), str(error)
        undone = [group for group in batch if group.answer is None]
        log.warning(
            "database unavailable",
            why=str(error),
            failed=len(batch) - len(undone),
            kept=len(undone) + len(self._waiting),
        )
        for group in batch:
            if group.answer is not None and not group.answer.done():
                group.answer.set_exception(
                    StorageUnavailable(str(error), outcome_unknown=error.outcome_unknown)
                )
        return undone


def _writer(engine: AsyncEngine) -> BatchWriter:
    """Each loads the driver of its engine, of which one is used."""
    if engine.dialect.name == "sqlite":
        from bridge.storage.sqlite_writer import SqliteWriter

        return SqliteWriter(engine)
    from bridge.storage.postgresql_writer import PostgresqlWriter

    return PostgresqlWriter(engine)
