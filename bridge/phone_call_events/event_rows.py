"""From a change of a call to the rows that are written with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bridge.calls.call_records import Companions
from bridge.calls.live.change import Change
from bridge.calls.state.phone_call import PhoneCall
from bridge.clock import now_ms
from bridge.phone_call_events.call_events import CallEvent, events_of
from bridge.phone_call_events.delivery import NewDelivery, delivery_id
from bridge.phone_call_events.event_details import details_text, event_details
from bridge.phone_call_events.event_numbers import EventNumbers
from bridge.phone_call_events.event_parameters import EventForm, Numbers, form_encoded
from bridge.phone_call_events.rights import Rights
from bridge.phone_call_events.store.delivery_store import write_event
from bridge.phone_call_events.subscription import EventType, Subscription
from bridge.phone_call_events.subscription_index import SubscriptionIndex
from bridge.storage.statement import Write


class EventRows:
    """`written` is told, for each event, the subscription that has one more to be delivered.

    `age_max_s`: for how long an event is tried, by our own clock.
    """

    def __init__(
        self,
        index: SubscriptionIndex,
        directory_numbers: Numbers,
        rights: Rights,
        form: EventForm,
        age_max_s: float,
        written: Callable[[str], None],
        numbers: EventNumbers,
    ) -> None:
        self.numbers = numbers
        self._index = index
        self._directory_numbers = directory_numbers
        self._rights = rights
        self._form = form
        self._age_max_ms = int(age_max_s * 1000)
        self._written = written

    def of_change(self, change: Change) -> Companions | None:
        """None for nearly all changes: nobody asked to hear of this extension."""
        if not change.effects or not self._index:
            return None
        new: list[NewDelivery] = []
        rows: list[Write] = []
        for event in events_of(change, self._index):
            told = [
                x
                for x in self._index.wanting(event.extension, event.type)
                if self._rights.may_hear(x)
            ]
            if told:
                deliveries = self._deliveries(event, change.after, told)
                new += deliveries
                rows += write_event(deliveries, event.extension if self.numbers.shared else "")
        if not new:
            return None
        return Companions(rows, lambda: self._tell(new))

    def _deliveries(
        self, event: CallEvent, call: PhoneCall, told: Sequence[Subscription]
    ) -> list[NewDelivery]:
        """One for each of these subscriptions; all have the number of the event."""
        call_id, number = event.call_id(call), self.numbers.next()
        parameters = form_encoded(event, call, self._directory_numbers, self._form)
        facts = event_details(event, call)
        details = details_text(facts)
        of_its_app = details if call.metadata is None else details_text(facts, call.metadata)
        return [
            NewDelivery(
                id=delivery_id(
                    subscription.id, call_id, event.part, _told_apart(event, subscription)
                ),
                subscription_id=subscription.id,
                call_id=call_id,
                occurred_ms=event.at_ms,
                give_up_ms=now_ms() + self._age_max_ms,
                parameters=parameters,
                details=of_its_app if subscription.client_id == call.client_id else details,
                extension_sequence=number,
            )
            for subscription in told
        ]

    def _tell(self, new: list[NewDelivery]) -> None:
        for delivery in new:
            self._written(delivery.subscription_id)


def _told_apart(event: CallEvent, subscription: Subscription) -> EventType | None:
    """A part is one among those of its type only. Events of one type have the ids that they had
    before a subscription could have several."""
    return event.type if len(subscription.types) > 1 else None
