"""From a change of a call to the rows that are written with it."""

from __future__ import annotations

from collections.abc import Callable

from bridge.calls.call_records import Companions
from bridge.calls.live.change import Change
from bridge.clock import now_ms
from bridge.phone_call_events.call_events import CallEvent, events_of
from bridge.phone_call_events.delivery import NewDelivery, delivery_id
from bridge.phone_call_events.event_parameters import EventForm, Numbers, form_encoded
from bridge.phone_call_events.rights import Rights
from bridge.phone_call_events.store.delivery_store import write_delivery
from bridge.phone_call_events.subscription import Subscription
from bridge.phone_call_events.subscription_index import SubscriptionIndex


class EventRows:
    """`written` is told, for each event, the subscription that has one more to be delivered.

    `age_max_s`: for how long an event is tried, by our own clock.
    """

    def __init__(
        self,
        index: SubscriptionIndex,
        numbers: Numbers,
        rights: Rights,
        form: EventForm,
        age_max_s: float,
        written: Callable[[str], None],
    ) -> None:
        self._index = index
        self._numbers = numbers
        self._rights = rights
        self._form = form
        self._age_max_ms = int(age_max_s * 1000)
        self._written = written

    def of_change(self, change: Change) -> Companions | None:
        """None for nearly all changes: nobody asked to hear of this extension."""
        if not change.effects or not self._index:
            return None
        new = [
            self._delivery(event, change, subscription)
            for event in events_of(change, self._index)
            for subscription in self._index.wanting(event.extension, event.type)
            if self._rights.may_hear(subscription)
        ]
        if not new:
            return None
        rows = [row for delivery in new for row in write_delivery(delivery)]
        return Companions(rows, lambda: self._tell(new))

    def _delivery(
        self, event: CallEvent, change: Change, subscription: Subscription
    ) -> NewDelivery:
        call = change.after
        call_id = event.call_id(call)
        return NewDelivery(
            id=delivery_id(subscription.id, call_id, event.part),
            subscription_id=subscription.id,
            call_id=call_id,
            occurred_ms=event.at_ms,
            give_up_ms=now_ms() + self._age_max_ms,
            parameters=form_encoded(event, call, self._numbers, self._form),
        )

    def _tell(self, new: list[NewDelivery]) -> None:
        for delivery in new:
            self._written(delivery.subscription_id)
