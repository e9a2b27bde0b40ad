"""Delivers the events of one subscription, one after the other, until none is left."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from bridge.calls.replace import replace
from bridge.phone_call_events.delivery import Attempt, Delivery, DeliveryState
from bridge.phone_call_events.retry_schedule import RetrySchedule
from bridge.phone_call_events.sender import EventSender
from bridge.phone_call_events.subscription import Subscription
from bridge.storage.event_deliveries import EventDeliveryStore
from bridge.storage.faults import StorageUnavailable

log = structlog.get_logger()

GONE = 410
_READ_AHEAD_FIRST = 25
_READ_AHEAD_MAX = 200
_READ_RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class DeliveryContext:
    """What all workers share. `find` gives the subscription as it is now, None once it is gone or
    disabled; `gone` disables it. `waiting_max`: events that may wait per subscription.
    """

    store: EventDeliveryStore
    sender: EventSender
    schedule: RetrySchedule
    waiting_max: int
    find: Callable[[str], Subscription | None]
    gone: Callable[[str], Awaitable[None]]


class DeliveryWorker:
    """`run` returns when nothing waits any more, when the subscription is no longer in force, or
    after `stop`; it may be run again then. A few events are in memory, the others wait on disk:
    the more a receiver takes, the more are read at once.
    """

    def __init__(self, subscription_id: str, context: DeliveryContext) -> None:
        self._id = subscription_id
        self._context = context
        self._ahead: deque[Delivery] = deque()
        self._once_more: deque[Delivery] = deque()
        # Ids of those: on disk they wait, like any other, until their one attempt is written.
        self._held: set[str] = set()
        # What is on disk as waiting may be delivered already, and that not yet written.
        self._done_up_to = 0
        self._waiting_at_most = context.waiting_max  # not counted yet
        self._surplus = 0
        self._read_ahead = _READ_AHEAD_FIRST
        self._more = True
        self._hurried = False
        self._dropped = False
        self._stopping = False
        self._wake = asyncio.Event()

    @property
    def idle(self) -> bool:
        return not (self._more or self._ahead or self._once_more)

    def one_more(self) -> None:
        """Another event of the subscription is on disk."""
        self._more = True
        self._waiting_at_most += 1
        if self._waiting_at_most > self._context.waiting_max:
            self._wake.set()

    def hold(self, delivery_id: str) -> None:
        """This one will be sent once more: whoever finds it on disk leaves it."""
        self._held.add(delivery_id)

    def release(self, delivery_id: str) -> None:
        self._held.discard(delivery_id)

    def send_once_more(self, delivery: Delivery) -> None:
        """Send this one, which is held, next, a single time."""
        self._once_more.append(delivery)
        self._wake.set()

    def hurry(self) -> None:
        """Do not wait for the time of a retry: something has changed."""
        self._hurried = True
        self._wake.set()

    def drop(self) -> None:
        """What waited has been given up on disk: of that nothing is sent, whatever follows."""
        self._ahead.clear()
        self._once_more.clear()
        self._held.clear()
        self._dropped = True
        self._wake.set()

    def read_again(self) -> None:
        """More may wait on disk than this one was told of."""
        self._more = True

    def stop(self) -> None:
        """End after the attempt that is under way."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        try:
            while not self._stopping:
                self._dropped = False
                if self._once_more:
                    await self._try_once(self._once_more.popleft())
                    continue
                if not self._ahead and self._more:
                    await self._read()
                if self._ahead:
                    await self._deliver(self._ahead.popleft())
                elif self.idle:
                    return
        except _NotInForceError:
            # Gone, disabled or suspended: in the last case what waits on disk goes on waiting.
            self._ahead.clear()
            self._more = True

    async def _read(self) -> None:
        """The next events that wait; after a failure a pause instead."""
        self._more = False
        self._wake.clear()
        try:
            found = await self._context.store.waiting(self._id, self._done_up_to, self._read_ahead)
        except StorageUnavailable as why:
            log.warning("events cannot be read", subscription=self._id, why=str(why))
            self._more = True
            await self._news_or(_READ_RETRY_S)
            return
        except BaseException:
            self._more = True
            raise
        if not self._dropped:
            self._ahead.extend(x for x in found if x.id not in self._held)
        if len(found) == self._read_ahead:
            self._more = True
            self._read_ahead = min(2 * self._read_ahead, _READ_AHEAD_MAX)
        else:
            self._read_ahead = _READ_AHEAD_FIRST
            if not self._more:
                self._waiting_at_most = len(found)

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            await self._try_until_done(delivery)
        except _NotInForceError:
            raise
        except BaseException:
            self._ahead.appendleft(delivery)  # it keeps its place
            raise

    async def _try_until_done(self, delivery: Delivery) -> None:
        """Until it is delivered or given up, or something else comes first."""
        while not self._dropped:
            # Before anything is looked at, so that what happens from here on ends the next pause.
            self._wake.clear()
            self._subscription()
            now_ms = _now_ms()
            if await self._is_surplus():
                self._give_up(delivery, "the queue of this subscription was full")
                return
            if now_ms >= delivery.give_up_ms:
                self._give_up(delivery, delivery.error or "not delivered in time")
                return
            if self._stopping or self._once_more:
                self._ahead.appendleft(delivery)
                return
            due_ms = min(delivery.next_attempt_ms, delivery.give_up_ms)
            if now_ms < due_ms and not self._hurried:
                await self._pause((due_ms - now_ms) / 1000)
                continue
            self._hurried = False
            delivery = await self._attempt(delivery)
            if delivery.state is not DeliveryState.WAITING:
                self._passed(delivery)
                return

    async def _try_once(self, delivery: Delivery) -> None:
        try:
            tried = await self._attempt(delivery)
        except _NotInForceError:
            if not self._dropped:  # suspended, not given up
                self._once_more.appendleft(delivery)
            raise
        if tried.state is DeliveryState.WAITING:
            tried = self._failed(tried, tried.error or "")
        self._context.store.record(tried, written=lambda: self.release(tried.id))

    async def _attempt(self, delivery: Delivery) -> Delivery:
        attempt = await self._context.sender.send(self._subscription, delivery)
        tried = self._after(delivery, attempt)
        self._context.store.record(tried)
        if attempt.http_status == GONE:
            await self._disable()
        return tried

    async def _disable(self) -> None:
        """The receiver wants no more of this: nothing is sent before that is on disk."""
        while not self._stopping:
            try:
                await self._context.gone(self._id)
                return
            except StorageUnavailable as why:
                log.warning("not disabled yet", subscription=self._id, why=str(why))
                await asyncio.sleep(_READ_RETRY_S)

    def _after(self, delivery: Delivery, attempt: Attempt) -> Delivery:
        ended_ms = attempt.at_ms + attempt.duration_ms
        tried = replace(
            delivery,
            attempts=delivery.attempts + 1,
            attempted_ms=attempt.at_ms,
            duration_ms=attempt.duration_ms,
            request=attempt.request,
            http_status=attempt.http_status,
            error=attempt.error,
        )
        if attempt.succeeded:
            return replace(tried, state=DeliveryState.DELIVERED, finished_ms=ended_ms)
        if attempt.http_status == GONE or self._dropped:
            return replace(tried, state=DeliveryState.FAILED, finished_ms=ended_ms)
        delay_s = self._context.schedule.delay_s(tried.attempts, attempt.retry_after_s)
        log.info(
            "event not delivered",
            subscription=self._id,
            sequence=delivery.sequence,
            attempt=tried.attempts,
            why=attempt.error,
            again_in_s=round(delay_s, 1),
        )
        return replace(tried, next_attempt_ms=ended_ms + int(delay_s * 1000))

    def _give_up(self, delivery: Delivery, why: str) -> None:
        failed = self._failed(delivery, why)
        self._context.store.record(failed)
        self._passed(failed)

    def _failed(self, delivery: Delivery, why: str) -> Delivery:
        log.warning("event given up", subscription=self._id, sequence=delivery.sequence, why=why)
        return replace(delivery, state=DeliveryState.FAILED, error=why, finished_ms=_now_ms())

    def _passed(self, delivery: Delivery) -> None:
        self._done_up_to = max(self._done_up_to, delivery.sequence)
        self._waiting_at_most = max(0, self._waiting_at_most - 1)

    def _subscription(self) -> Subscription:
        subscription = self._context.find(self._id)
        if subscription is None:
            raise _NotInForceError
        return subscription

    async def _is_surplus(self) -> bool:
        """Whether the oldest event has to make room for newer ones."""
        if self._surplus == 0 and self._waiting_at_most > self._context.waiting_max:
            before = self._waiting_at_most
            try:
                waiting = await self._context.store.count_waiting(self._id, self._done_up_to)
            except StorageUnavailable:
                return False  # looked at again before the next attempt
            self._surplus = max(0, waiting - self._context.waiting_max)
            # Events that came while we counted may be missing from the count.
            self._waiting_at_most = waiting + (self._waiting_at_most - before)
        if self._surplus == 0:
            return False
        self._surplus -= 1
        return True

    async def _pause(self, seconds: float) -> None:
        """Until then, or until something happens."""
        if not (self._stopping or self._once_more or self._hurried):
            await self._news_or(seconds)

    async def _news_or(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)


class _NotInForceError(Exception):
    """The subscription is gone, disabled or suspended."""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
