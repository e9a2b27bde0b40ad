"""The subscriptions and their deliveries, as one service."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from bridge.phone_call_events.delivery import Delivery, DeliveryState
from bridge.phone_call_events.delivery_worker import DeliveryContext
from bridge.phone_call_events.dispatcher import Dispatcher
from bridge.phone_call_events.event_parameters import Numbers
from bridge.phone_call_events.event_rows import EventRows
from bridge.phone_call_events.retry_schedule import RetrySchedule
from bridge.phone_call_events.rights import Rights
from bridge.phone_call_events.sender import EventSender
from bridge.phone_call_events.subscription import Subscription
from bridge.phone_call_events.subscription_index import SubscriptionIndex
from bridge.storage.event_deliveries import EventDeliveryStore
from bridge.storage.event_subscriptions import EventSubscriptionStore

log = structlog.get_logger()


class TooManySubscriptions(Exception):
    """The extension has as many as it may. `str()` says how many."""


class SubscriptionDisabled(Exception):
    """Nothing is sent to it."""


@dataclass(frozen=True, slots=True)
class EventLimits:
    """`age_max_s`: for how long an event is tried. `waiting_max`: per subscription."""

    per_extension: int
    age_max_s: float
    waiting_max: int
    stop_timeout_s: float


class PhoneCallEvents:
    """`start` before the first change of a call, `stop` before the storage stops.

    Every async method may raise StorageUnavailable. Subscriptions are kept in memory too.
    """

    def __init__(
        self,
        subscriptions: EventSubscriptionStore,
        deliveries: EventDeliveryStore,
        sender: EventSender,
        schedule: RetrySchedule,
        limits: EventLimits,
        numbers: Numbers,
        rights: Rights,
    ) -> None:
        self._index = SubscriptionIndex()
        self._store = subscriptions
        self._deliveries = deliveries
        self._limits = limits
        self._rights = rights
        self._suspended: set[str] = set()
        self._changing = asyncio.Lock()
        context = DeliveryContext(
            deliveries, sender, schedule, limits.waiting_max, self._in_force, self._gone
        )
        self._dispatcher = Dispatcher(context, limits.stop_timeout_s)
        self.rows = EventRows(
            self._index, numbers, rights, limits.age_max_s, self._dispatcher.one_more
        )

    async def start(self) -> None:
        self._index.store_all(await self._store.load())
        self.check_rights()
        await self._dispatcher.start()

    async def stop(self) -> None:
        await self._dispatcher.stop()

    def check_rights(self) -> None:
        """The directory has changed: say which subscriptions get nothing, or get events again."""
        before, self._suspended = self._suspended, set()
        for subscription in self._index:
            if not self._rights.may_hear(subscription):
                self._suspended.add(subscription.id)
                if subscription.id not in before:
                    log.warning(
                        "subscription suspended: its app may not hear of the extension any more",
                        subscription=subscription.id,
                        extension=subscription.extension,
                        app=subscription.client_id,
                    )
            elif subscription.id in before:
                self._dispatcher.resume(subscription.id)

    # Subscriptions

    def of_extension(self, extension: str) -> list[Subscription]:
        return self._index.of_extension(extension)

    async def create(self, subscription: Subscription) -> None:
        """Raises TooManySubscriptions."""
        async with self._changing:
            if not await self._store.insert(subscription, self._limits.per_extension):
                raise TooManySubscriptions(
                    f"an extension may have {self._limits.per_extension} phone call events"
                )
            self._index.store(subscription)

    async def update(
        self,
        subscription_id: str,
        change: Callable[[Subscription], Subscription],
        why: str = "subscription disabled",
    ) -> Subscription | None:
        """The subscription after the change, in force; None where it has been deleted meanwhile.

        `change` gets it as it is by then: of two changes at once neither undoes the other. What it
        raises is raised. What waits for a subscription that is disabled is given up, with `why`.
        """
        async with self._changing:
            found = self._index.get(subscription_id)
            if found is None:
                return None
            after = change(found)
            await self._store.update(after, why_disabled=why)
            self._index.store(after)
            if not after.enabled:
                self._dispatcher.drop(subscription_id)
        self._dispatcher.hurry(subscription_id)
        return after

    async def delete(self, subscriptions: Sequence[Subscription]) -> list[str]:
        """The ids of those that were still there."""
        async with self._changing:
            ids = [x.id for x in subscriptions if self._index.get(x.id) is not None]
            await self._store.delete(ids)
            for subscription_id in ids:
                self._index.remove(subscription_id)
                self._dispatcher.forget(subscription_id)
        return ids

    # Deliveries

    async def deliveries(
        self, subscription: Subscription, *, start: int, count: int, newest_first: bool
    ) -> tuple[list[Delivery], int]:
        """Some of those that are kept, and how many there are in all."""
        return await self._deliveries.page(
            subscription.id, start=start, count=count, newest_first=newest_first
        )

    async def send_again(self, subscription: Subscription, delivery_id: str) -> Delivery | None:
        """Send it as soon as possible; one that waits for a retry now, any other once more.

        None where there is no such delivery. Raises SubscriptionDisabled.
        """
        delivery = await self._deliveries.find(subscription.id, delivery_id)
        if delivery is None:
            return None
        if self._in_force(subscription.id) is None:
            raise SubscriptionDisabled
        if delivery.state is DeliveryState.WAITING:
            self._dispatcher.hurry(subscription.id)
            return delivery
        give_up_ms = _now_ms() + int(self._limits.age_max_s * 1000)
        self._dispatcher.hold(delivery)
        try:
            await self._deliveries.wait_again(delivery.id, give_up_ms)
        except BaseException:
            self._dispatcher.release(delivery)
            raise
        waiting = replace(
            delivery,
            state=DeliveryState.WAITING,
            give_up_ms=give_up_ms,
            next_attempt_ms=0,
            finished_ms=None,
        )
        self._dispatcher.send_once_more(waiting)
        return waiting

    async def purge(self, before_ms: int) -> int:
        """Remove the deliveries that ended before that moment; returns how many."""
        return await self._deliveries.purge_finished(before_ms)

    def _in_force(self, subscription_id: str) -> Subscription | None:
        found = self._index.get(subscription_id)
        if found is None or not found.enabled or not self._rights.may_hear(found):
            return None
        return found

    async def _gone(self, subscription_id: str) -> None:
        """The receiver answered 410: it wants no more of this."""
        if self._index.get(subscription_id) is None:
            return
        log.warning("subscription disabled: its receiver is gone", subscription=subscription_id)
        await self.update(
            subscription_id,
            lambda x: replace(x, enabled=False, modified_ms=_now_ms()),
            "the receiver answered 410 Gone",
        )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
