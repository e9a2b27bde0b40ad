"""Group commit: everything that waits to be written goes into one transaction."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.faults import StorageOverloaded, StorageUnavailable
from bridge.storage.batch_commit import BatchCommit
from bridge.storage.engine import ANSWER_LIMIT_S
from bridge.storage.fence import Fence
from bridge.storage.statement import Counts, Group, Write
from bridge.storage.waiting_group import WaitingGroup, names, refuse, without_superseded
from bridge.supervision.tasks import LivingTask, must_live

log = structlog.get_logger()

SLOW_S = 1.5
"""A write that takes longer is a problem, though it has not failed yet."""

CROWDED = 20
"""Groups in one batch: from here on the load is so high that the next one waits for more of them.

Below it a pause saves no CPU, and each create waits for it."""


class WriteQueue:
    """Applies groups of writes in the order of their submission, each as a whole or not at all.

    `max_batch` and `max_waiting` count groups. Writes that nobody waits for are held back for at
    most `linger_ms` for others to join; a batch with a waiting caller takes them along. These wait
    only while another batch is written; what comes meanwhile is the next one. After a batch of
    `CROWDED` groups they wait until `pace_ms` after its beginning, so that more of them share a
    transaction. A caller waits for `answer_limit_s` at most, however long queue and database take.
    After a failure of the database, groups without a waiting caller are tried again. The delay
    begins with `first_retry_ms` and doubles up to `last_retry_ms`; they keep their order.
    `committed` is told the seconds that each transaction took. `fenced` is told of a fence whose
    lease has another epoch by now, once; it must not block.
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
        answer_limit_s: float = ANSWER_LIMIT_S,
        committed: Callable[[float], None] = lambda _: None,
        fenced: Callable[[Fence], None] = lambda _: None,
    ) -> None:
        self._commit = BatchCommit(engine, fenced)
        self._committed = committed
        self._answer_limit_s = answer_limit_s
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._linger_s = linger_ms / 1000
        self._pace_s = pace_ms / 1000
        self._last_batch_groups = 0
        self._last_batch_s = 0.0  # when it began, of the loop's clock
        self._first_retry_s = first_retry_ms / 1000
        self._last_retry_s = last_retry_ms / 1000
        self._retry_s = self._first_retry_s
        self._waiting: deque[WaitingGroup] = deque()
        self._urgent = 0  # how many in `_waiting` have somebody waiting for them
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._task: LivingTask | None = None
        self._accepts = False
        self._being_written: list[WaitingGroup] = []
        self._death = ""  # why nothing is written any more
        # When the batch that is being written was begun, of the loop's clock.
        self._began_s: float | None = None

    @property
    def problem(self) -> str:
        """Why nothing can be written: of a failure until a write succeeds; empty if it can.

        A caller that rejects writes because of it must still let some through: they find out.
        """
        if self._death:
            return self._death
        if self._commit.problem:
            return self._commit.problem
        if self._began_s is not None:
            waited_s = asyncio.get_running_loop().time() - self._began_s
            if waited_s > SLOW_S:
                return f"a write to {self._commit.where} has had no answer for {waited_s:.0f} s"
        return ""

    @property
    def idle_s(self) -> float:
        """How long ago something was last written; 0.0 while something is being written."""
        if self._waiting or self._being_written:
            return 0.0
        return asyncio.get_running_loop().time() - self._commit.written_s

    @property
    def waiting(self) -> int:
        """How many groups are not on disk yet, apart from those being written right now."""
        return len(self._waiting)

    @property
    def lag_s(self) -> float:
        """For how long the oldest write waits that is not on disk yet; 0.0 without one."""
        if not self._waiting and not self._being_written:
            return 0.0
        first = self._being_written[0] if self._being_written else self._waiting[0]
        return asyncio.get_running_loop().time() - first.came_s

    async def start(self) -> None:
        """Accept writes, and begin to write them."""
        self._accepts = True
        self._task = must_live(self._run_or_refuse(), "write_queue")

    async def stop(self) -> None:
        """Write all that waits, then end and close the connection.

        Groups that cannot be written now are logged as lost.
        """
        self._accepts = False
        if self._task is not None:
            self._task.let_end()
            self._wake.set()
            await self._task.ended()
            self._task = None
        await self._commit.close()

    async def submit(
        self, *writes: Write, within_s: float | None = None, fence: Fence | None = None
    ) -> Counts:
        """Apply the writes together; returns how many rows each changed, once that is on disk.

        A submitter that is cancelled while its writes still wait takes them back. So does one that
        has waited for `within_s`, by default the `answer_limit_s` of the queue. With a `fence` they
        are written only while its lease has that epoch.
        Raises StorageUnavailable, StorageOverloaded, Fenced, or the driver's error for these
        writes.
        """
        if not self._accepts:
            raise StorageUnavailable(self._death or "the write queue is stopped")
        if len(self._waiting) >= self._max_waiting and not self._made_room():
            raise StorageOverloaded(f"{self._max_waiting} groups of writes wait already")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Counts] = loop.create_future()
        group = WaitingGroup(writes, answer, fence=fence, came_s=loop.time())
        self._waiting.append(group)
        self._urgent += 1
        self._wake.set()
        limit_s = self._answer_limit_s if within_s is None else within_s
        limit = loop.call_later(limit_s, self._give_up, group, limit_s)
        try:
            return await answer
        finally:
            limit.cancel()

    def _give_up(self, group: WaitingGroup, after_s: float) -> None:
        begun = any(x is group for x in self._being_written)
        why = f"not written to {self._commit.where} within {after_s:g} s"
        refuse(group, StorageUnavailable(why, outcome_unknown=begun, timed_out=True))

    async def caught_up(self, within_s: float | None = None) -> bool:
        """True once all that was submitted until now is on disk; False if it cannot be written now.

        Waits at most `within_s` seconds, by default the `answer_limit_s` of the queue.
        """
        if self._waiting or self._being_written:
            try:
                await self.submit(within_s=within_s)
            except StorageUnavailable:
                return False
        return not self._death

    def submit_later(
        self,
        *writes: Write,
        key: Hashable = None,
        final: bool = False,
        written: Callable[[], None] | None = None,
        fence: Fence | None = None,
    ) -> bool:
        """Apply the writes together and soon; nobody waits, a failure of the database is retried.

        As a retry may follow a success that went unnoticed, applying them twice must do no harm. A
        waiting group is left out when a later one has the same `key`, so only groups that overwrite
        each other completely may share one. A `final` group is never left out. `written` is called
        once they are on disk; what it raises is logged. Writes are lost, with an error in the log,
        if they are wrong, too many wait, or the database is down at the stop. False if they are
        lost at once. With a `fence` they are dropped, with a warning, once its lease has another
        epoch. Without writes there is always room, and nothing to lose: `written` is called once
        all that came before is on disk.
        """
        if not self._accepts:
            self._lose_at_once(writes, self._death or "the write queue is stopped")
            return False
        if writes and len(self._waiting) >= self._max_waiting and not self._made_room():
            self._lose_at_once(writes, "too many are waiting")
            return False
        now_s = asyncio.get_running_loop().time()
        self._waiting.append(WaitingGroup(writes, None, key, final, written, fence, now_s))
        if self._timer is None:
            self._wake_in(self._linger_s)
        return True

    def _lose_at_once(self, writes: Group, why: str) -> None:
        if writes:
            log.error("writes_lost", why=why, groups=1, statements=names(writes))

    def _wake_in(self, delay_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._wake.set)

    def _made_room(self) -> bool:
        self._waiting = deque(without_superseded(list(self._waiting)))
        return len(self._waiting) < self._max_waiting

    async def _run_or_refuse(self) -> None:
        """After the death of the writer, whatever its cause, no caller may wait for it."""
        try:
            await self._run()
        except BaseException as fault:
            self._died(f"the writer of the database has ended: {type(fault).__name__}")
            raise

    def _died(self, why: str) -> None:
        self._accepts = False
        self._death = why
        begun, waiting = self._being_written, list(self._waiting)
        self._being_written = []
        self._waiting.clear()
        self._urgent = 0
        self._lose(begun, why, outcome_unknown=True)
        self._lose(waiting, why)

    async def _run(self) -> None:
        while self._accepts or self._waiting:
            if self._wake.is_set():
                await asyncio.sleep(0)  # those whose writes are on disk now go on first
            else:
                await self._wake.wait()
            await self._keep_pace()
            self._wake.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            batch = self._next_batch()
            if not batch:
                continue
            self._last_batch_groups = len(batch)
            self._being_written, self._began_s = batch, asyncio.get_running_loop().time()
            undone = await self._commit.write(batch)
            self._committed(asyncio.get_running_loop().time() - self._began_s)
            self._being_written, self._began_s = [], None
            if undone:
                self._put_back(undone)
            else:
                self._retry_s = self._first_retry_s
                self._schedule_the_rest()

    async def _keep_pace(self) -> None:
        now_s = asyncio.get_running_loop().time
        early_s = self._last_batch_s + self._pace_s - now_s()
        crowded = self._last_batch_groups >= CROWDED
        if crowded and early_s > 0 and self._accepts and len(self._waiting) < self._max_batch:
            await asyncio.sleep(early_s)
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
                if group.answer.done():  # cancelled, or refused after its time limit
                    continue
            batch.append(group)
        return without_superseded(batch)

    def _put_back(self, undone: list[WaitingGroup]) -> None:
        if not self._accepts:
            self._lose([*undone, *self._waiting], "the database is down at the stop")
            self._waiting.clear()
            return
        self._waiting.extendleft(reversed(undone))
        self._wake_in(self._retry_s)
        self._retry_s = min(self._retry_s * 2, self._last_retry_s)

    def _lose(self, groups: list[WaitingGroup], why: str, *, outcome_unknown: bool = False) -> None:
        """All at once: to try each of many batches might hold the stop up for minutes."""
        if lost := sum(x.answer is None and bool(x.writes) for x in groups):
            log.error("writes_lost", why=why, groups=lost)
        for group in groups:
            if group.answer is not None:
                refuse(group, StorageUnavailable(why, outcome_unknown=outcome_unknown))
