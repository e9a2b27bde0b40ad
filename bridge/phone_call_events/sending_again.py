"""An event that an app wants to be sent again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bridge.clock import now_ms
from bridge.faults import StorageUnavailable
from bridge.phone_call_events.deliveries import Deliveries
from bridge.phone_call_events.delivery import Delivery, DeliveryState
from bridge.phone_call_events.store.delivery_store import EventDeliveryStore
from bridge.phone_call_events.subscription import Subscription
from bridge.storage.statement import StoppedByGuard, Write


class SubscriptionDisabled(Exception):
    """A disabled subscription gets no event."""


class SendingAgain:
    """`is_in_force`: whether events are sent to the subscription with that id."""

    def __init__(
        self,
        deliveries: EventDeliveryStore,
        dispatcher: Deliveries,
        is_in_force: Callable[[str], bool],
        age_max_s: float,
    ) -> None:
        self._deliveries = deliveries
        self._dispatcher = dispatcher
        self._is_in_force = is_in_force
        self._age_max_s = age_max_s

    async def send(
        self,
        subscription: Subscription,
        delivery_id: str,
        first: Callable[[Delivery], Write | None] = lambda _: None,
    ) -> Delivery | None:
        """Send it as soon as possible; one that waits for a retry now, any other once more.

        `first` gets the delivery as it will be. Its write comes before, in the same transaction; if
        it changes no row, nothing is written. Raises StoppedByGuard then.
        None if the delivery does not exist. Raises SubscriptionDisabled,
        StorageUnavailable.
        """
        # Its last attempt may be told, and not on disk yet: it would look as if it still waited.
        if not await self._deliveries.caught_up():
            raise StorageUnavailable("the results of its attempts cannot be written now")
        delivery = await self._deliveries.find(subscription.id, delivery_id)
        if delivery is None:
            return None
        if not self._is_in_force(subscription.id):
            raise SubscriptionDisabled
        if delivery.state is DeliveryState.WAITING:
            kept = first(delivery)
            if kept is not None:
                await self._deliveries.keep(kept)
            self._dispatcher.hurry(subscription.id)
            return delivery
        give_up_ms = now_ms() + int(self._age_max_s * 1000)
        waiting = replace(
            delivery,
            state=DeliveryState.WAITING,
            give_up_ms=give_up_ms,
            next_attempt_ms=0,
            finished_ms=None,
        )
        self._dispatcher.hold(delivery.subscription_id, delivery.id)
        try:
            await self._deliveries.wait_again(delivery.id, give_up_ms, first(waiting))
        except BaseException as fault:
            if _wrote_nothing(fault):
                self._dispatcher.release(delivery.subscription_id, delivery.id)
            else:  # it may wait on disk; its client is told that it does not
                self._deliveries.record(
                    delivery,
                    written=lambda: self._dispatcher.release(delivery.subscription_id, delivery.id),
                )
            raise
        self._dispatcher.send_once_more(waiting)
        return waiting


def _wrote_nothing(fault: BaseException) -> bool:
    if isinstance(fault, StorageUnavailable):
        return not fault.outcome_unknown
    return isinstance(fault, StoppedByGuard)
