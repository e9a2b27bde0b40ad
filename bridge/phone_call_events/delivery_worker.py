"""Delivers the events of one subscription, one after the other, until none is left."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from bridge.calls.state.fast_replace import replace
from bridge.clock import now_ms
from bridge.faults import StorageUnavailable
from bridge.phone_call_events.blocked_receiver import BlockedReceiver
from bridge.phone_call_events.delivery import Attempt, Delivery, DeliveryState
from bridge.phone_call_events.delivery_context import DeliveryContext
from bridge.phone_call_events.give_up_rules import Refusals
from bridge.phone_call_events.subscription import Subscription
from bridge.phone_call_events.waiting_events import WaitingEvents
from bridge.phone_call_events.worker_state import (
    ENDS,
    Situation,
    WorkerState,
    due_ms,
    next_state,
)

log = structlog.get_logger()

GONE = 410
DATABASE_RETRY_S = 1.0


class DeliveryWorker:
    """`run` returns in one of `ENDS`, and may be run again. `state` says what it does; what follows
    is decided in bridge/phone_call_events/worker_state.py. `runs`: how often it was run.
    """

    def __init__(self, subscription_id: str, context: DeliveryContext) -> None:
        self.state = WorkerState.IDLE
        self.runs = 0
        self._id = subscription_id
        self._context = context
        self._waiting = WaitingEvents(context.waiting_max)
        self._tried: dict[str, Callable[[Delivery], object]] = {}
        self._hurried = False
        self._stopping = False
        self._refusals = Refusals(context.limits)
        self._blocked_receiver = BlockedReceiver(subscription_id)
        self._wake = asyncio.Event()
        self._steps: dict[WorkerState, Callable[[], Awaitable[WorkerState | None]]] = {
            WorkerState.READING: self._read,
            WorkerState.WAITING_FOR_DATABASE: self._wait_for_database,
            WorkerState.SENDING: self._send,
            WorkerState.SENDING_ONCE_MORE: self._send_once_more,
            WorkerState.WAITING_FOR_RETRY: self._wait_for_retry,
            WorkerState.GIVING_UP: self._give_up,
            WorkerState.DISABLING: self._disable,
        }

    @property
    def idle(self) -> bool:
        """Whether no event waits, in memory or on disk."""
        return self._waiting.are_none

    @property
    def waiting_since_ms(self) -> int | None:
        """When the oldest event occurred that waits in memory; None without one."""
        oldest = self._waiting.next
        return None if oldest is None else oldest.occurred_ms

    def one_more(self) -> None:
        """Another event of the subscription is on disk."""
        self._waiting.one_more()
        if self._waiting.may_be_too_many:
            self._wake.set()

    def hold(self, delivery_id: str) -> None:
        """This one will be sent once more: whoever finds it on disk leaves it."""
        self._waiting.hold(delivery_id)

    def release(self, delivery_id: str) -> None:
        """Take back `hold`: this one will not be sent once more."""
        self._waiting.release(delivery_id)

    def send_once_more(
        self, delivery: Delivery, tried: Callable[[Delivery], object] = lambda _: None
    ) -> None:
        """Send this one, which is held, next, a single time; `tried` is told what became of it."""
        self._waiting.send_once_more(delivery)
        self._tried[delivery.id] = tried
        self._wake.set()

    def hurry(self) -> None:
        """Do not wait for the time of a retry: something has changed."""
        self._hurried = True
        self._wake.set()

    def drop(self) -> None:
        """The waiting events were given up on disk; none of them is sent any more."""
        self._blocked_receiver.ends("no longer in force")
        self._waiting.drop()
        self._tried.clear()
        self._wake.set()

    def read_again(self) -> None:
        """More may wait on disk than this one was told of."""
        self._waiting.look_on_disk()

    def look_again(self) -> None:
        """Something waits on disk. If this one was told of nothing, nobody has counted it."""
        if self._waiting.are_none:
            self._waiting.not_counted()
        self._waiting.look_on_disk()

    def has(self, delivery_id: str) -> bool:
        """Whether that event is in memory, or held to be sent once more."""
        return self._waiting.has(delivery_id)

    def is_past(self, sequence: int) -> bool:
        """Whether the list on disk is read behind that number only."""
        return self._waiting.done_up_to >= sequence

    def stop(self) -> None:
        """End after the attempt that is under way."""
        self._stopping = True
        self._wake.set()

    def forget(self) -> None:
        """The subscription is deleted: stop."""
        self._blocked_receiver.ends("deleted")
        self.stop()

    async def run(self) -> None:
        """Send what waits, one event at a time, until nothing waits or it may not go on.

        A database that does not answer is asked again. `state` says why it ended.
        """
        self.runs += 1
        follows: WorkerState | None = None
        while True:
            self.state = follows or next_state(await self._look())
            if self.state in ENDS:
                break
            follows = await self._steps[self.state]()
        if self.state is WorkerState.NOT_IN_FORCE:
            # In case of a suspension what waits on disk goes on waiting.
            self._waiting.leave_on_disk()

    async def _look(self) -> Situation:
        # Before anything is looked at, so that what happens from here on ends the next pause.
        self._wake.clear()
        in_force = self._waiting.next is None or self._context.find(self._id) is not None
        if self._waiting.next is not None and in_force and self._waiting.may_be_too_many:
            await self._count()
        return Situation(
            now_ms=now_ms(),
            oldest=self._waiting.next,
            on_disk=self._waiting.on_disk,
            once_more=self._waiting.next_once_more is not None,
            in_force=in_force,
            surplus=self._waiting.surplus > 0,
            hurried=self._hurried,
            stopping=self._stopping,
        )

    async def _count(self) -> None:
        done_up_to, before = self._waiting.begin_count()
        # If the database does not answer, they are counted before the next attempt.
        with contextlib.suppress(StorageUnavailable):
            waiting = await self._context.store.count_waiting(self._id, done_up_to)
            self._waiting.counted(waiting, before)

    async def _read(self) -> WorkerState | None:
        wanted = self._waiting.begin_read()
        try:
            found = await self._context.store.waiting(
                self._id, wanted.after_sequence, wanted.at_most
            )
        except StorageUnavailable as why:
            log.warning("deliveries_not_read", subscription_id=self._id, why=str(why))
            self._waiting.look_on_disk()
            return WorkerState.WAITING_FOR_DATABASE
        except BaseException:
            self._waiting.look_on_disk()
            raise
        self._waiting.read(wanted, found)
        return None

    async def _wait_for_database(self) -> None:
        await self._news_or(DATABASE_RETRY_S)

    async def _wait_for_retry(self) -> None:
        delivery = self._waiting.next
        if delivery is not None:
            await self._news_or((due_ms(delivery) - now_ms()) / 1000)

    async def _send(self) -> WorkerState | None:
        delivery = self._waiting.next
        if delivery is None:
            return None
        self._hurried = False
        try:
            attempt = await self._context.sender.send(self._subscription, delivery)
        except _NotInForceError:
            return WorkerState.NOT_IN_FORCE
        tried = self._after(delivery, attempt, dropped=self._waiting.next is not delivery)
        self._context.store.record(tried, self._context.attempts.row(delivery, attempt))
        if tried.state is DeliveryState.WAITING:
            self._waiting.tried(delivery, tried)
            return None
        self._waiting.passed(delivery)
        return _follows(tried, attempt)

    async def _send_once_more(self) -> WorkerState | None:
        delivery = self._waiting.next_once_more
        if delivery is None:
            return None
        try:
            attempt = await self._context.sender.send(self._subscription, delivery)
        except _NotInForceError:
            return WorkerState.NOT_IN_FORCE  # suspended: it keeps its place; else it is dropped
        dropped = self._waiting.next_once_more is not delivery
        tried = last = self._after(delivery, attempt, dropped=dropped)
        self._context.store.record(tried, self._context.attempts.row(delivery, attempt))
        self._waiting.sent_once_more(delivery)
        if tried.state is DeliveryState.WAITING:
            last = self._failed(tried, tried.error or "")
        self._context.store.record(last, written=lambda: self.release(last.id))
        if (told := self._tried.pop(last.id, None)) is not None:
            told(last)
        return _follows(tried, attempt)

    async def _give_up(self) -> None:
        delivery = self._waiting.next
        if delivery is None:
            return
        if self._waiting.take_surplus():
            why = "the queue of this subscription was full"
        else:
            why = delivery.error or "not delivered in time"
        self._context.store.record(self._failed(delivery, why))
        self._waiting.passed(delivery)

    async def _disable(self) -> WorkerState | None:
        if self._stopping:
            return None
        try:
            await self._context.gone(self._id)
        except StorageUnavailable as why:
            log.warning("subscription_not_disabled", subscription_id=self._id, why=str(why))
            await asyncio.sleep(DATABASE_RETRY_S)
            return WorkerState.DISABLING
        return None

    def _after(self, delivery: Delivery, attempt: Attempt, *, dropped: bool) -> Delivery:
        ended_ms = attempt.at_ms + attempt.duration_ms
        succeeded = attempt.succeeded
        tried = replace(
            delivery,
            state=DeliveryState.DELIVERED if succeeded else delivery.state,
            attempts=delivery.attempts + 1,
            attempted_ms=attempt.at_ms,
            duration_ms=attempt.duration_ms,
            request=attempt.request,
            http_status=attempt.http_status,
            error=attempt.error,
            finished_ms=ended_ms if succeeded else delivery.finished_ms,
        )
        if succeeded:
            self._blocked_receiver.ends("delivered")
            return tried
        why = self._refusals.why_given_up(tried, attempt)
        if why is not None or dropped:
            tried = replace(tried, error=why or attempt.error)
            log.warning(
                "event_given_up",
                subscription_id=self._id,
                sequence=delivery.sequence,
                why=tried.error,
            )
            return replace(tried, state=DeliveryState.FAILED, finished_ms=ended_ms)
        subscription = self._context.find(self._id)
        if tried.blocking and subscription is not None:
            self._blocked_receiver.begins(tried, subscription)
        delay_s = self._context.schedule.delay_s(tried.attempts, attempt.retry_after_s)
        log.info(
            "event_not_delivered",
            subscription_id=self._id,
            sequence=delivery.sequence,
            attempts=tried.attempts,
            why=attempt.error,
            retry_in_s=round(delay_s, 1),
        )
        return replace(tried, next_attempt_ms=ended_ms + int(delay_s * 1000))

    def _failed(self, delivery: Delivery, why: str) -> Delivery:
        log.warning("event_given_up", subscription_id=self._id, sequence=delivery.sequence, why=why)
        return replace(delivery, state=DeliveryState.FAILED, error=why, finished_ms=now_ms())

    def _subscription(self) -> Subscription:
        subscription = self._context.find(self._id)
        if subscription is None:
            raise _NotInForceError
        return subscription

    async def _news_or(self, seconds: float) -> None:
        """Until something happens, at most so long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)


class _NotInForceError(Exception):
    """The subscription is gone, disabled or suspended."""


def _follows(tried: Delivery, attempt: Attempt) -> WorkerState | None:
    """The state after this attempt; None: worker_state.py chooses it."""
    gone = tried.state is DeliveryState.FAILED and attempt.http_status == GONE
    return WorkerState.DISABLING if gone else None
