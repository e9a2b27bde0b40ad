"""Events that an app sends to try its receiver: through the same outbox, worker and connections."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from bridge.clock import now_ms
from bridge.phone_call_events.deliveries import Deliveries
from bridge.phone_call_events.delivery import Delivery, NewDelivery
from bridge.phone_call_events.event_call_status import EventCallStatus
from bridge.phone_call_events.event_details import details_text
from bridge.phone_call_events.event_numbers import EventNumbers
from bridge.phone_call_events.event_parameters import EventForm
from bridge.phone_call_events.store.delivery_store import EventDeliveryStore, write_event
from bridge.phone_call_events.subscription import EventType, Subscription

TEST_CALL_ID = "test"
"""Stands for the call of a test event. No call has such an id."""

WINDOW_S = 60.0
"""The minute of the limit, in seconds."""

_ID_BYTES = 16
_CALLED = (EventType.DIAL_IN, EventType.ANSWER_INCOMING)
_DIALS = (EventType.DIAL_IN, EventType.DIAL_OUT)


class TooManyTests(Exception):
    """The receiver got as many within a minute as it may. The next one is possible in `wait_s`."""

    def __init__(self, most: int, wait_s: float) -> None:
        super().__init__(f"too many test events of this subscription (limit {most} a minute)")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class TestLimits:
    """`per_minute`: of one subscription. `answer_s`: how long to wait for the receiver.

    `age_max_s`: for how long the event is tried if the service stops before it is sent.
    """

    per_minute: int
    answer_s: float
    age_max_s: float


class ReceiverTests:
    """Sends a test event a single time, and says what became of it."""

    def __init__(
        self,
        store: EventDeliveryStore,
        dispatcher: Deliveries,
        numbers: EventNumbers,
        form: EventForm,
        limits: TestLimits,
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._numbers = numbers
        self._form = form
        self._limits = limits
        self._sent: dict[str, deque[float]] = {}

    async def send(self, subscription: Subscription) -> Delivery | None:
        """The event after its one attempt; as it waits, if the receiver takes longer than the
        limit; None if the subscription is gone or disabled.

        Raises TooManyTests, StorageUnavailable.
        """
        self._take_turn(subscription.id)
        new = self._event(subscription)
        self._dispatcher.hold(subscription.id, new.id)
        try:
            await self._store.write(
                write_event([new], subscription.extension if self._numbers.shared else "")
            )
            delivery = await self._store.find(subscription.id, new.id)
        except BaseException:
            self._dispatcher.release(subscription.id, new.id)
            raise
        if delivery is None:
            self._dispatcher.release(subscription.id, new.id)
            return None
        tried: asyncio.Future[Delivery] = asyncio.get_running_loop().create_future()

        def tell(done: Delivery) -> None:
            if not tried.done():
                tried.set_result(done)

        self._dispatcher.send_once_more(delivery, tell)
        try:
            async with asyncio.timeout(self._limits.answer_s):
                return await tried
        except TimeoutError:
            return await self._store.find(subscription.id, new.id)

    def turns(self, subscription_id: str) -> tuple[int, int, float | None]:
        """How many test events a minute may have, how many more of them this minute, and in how
        many seconds there is one more; None: there are all."""
        begun_s = asyncio.get_running_loop().time() - WINDOW_S
        times = [x for x in self._sent.get(subscription_id, ()) if x > begun_s]
        most = self._limits.per_minute
        return most, max(0, most - len(times)), times[0] - begun_s if times else None

    def _take_turn(self, subscription_id: str) -> None:
        now_s = asyncio.get_running_loop().time()
        for known, times in list(self._sent.items()):
            while times and times[0] <= now_s - WINDOW_S:
                times.popleft()
            if not times:
                del self._sent[known]
        times = self._sent.setdefault(subscription_id, deque())
        if len(times) >= self._limits.per_minute:
            raise TooManyTests(self._limits.per_minute, times[0] + WINDOW_S - now_s)
        times.append(now_s)

    def _event(self, subscription: Subscription) -> NewDelivery:
        at_ms = now_ms()
        kind = subscription.types[0]
        details: dict[str, Any] = {
            "type": str(int(kind)),
            "occurredMs": at_ms,
            "extension": subscription.extension,
            "phoneCallId": TEST_CALL_ID,
            "callId": TEST_CALL_ID,
            "test": True,
        }
        return NewDelivery(
            id=secrets.token_hex(_ID_BYTES),
            subscription_id=subscription.id,
            call_id=TEST_CALL_ID,
            occurred_ms=at_ms,
            give_up_ms=at_ms + int(self._limits.age_max_s * 1000),
            parameters=urlencode(self._parameters(kind, subscription.extension)),
            details=details_text(details),
            extension_sequence=self._numbers.next(),
        )

    def _parameters(self, kind: EventType, extension: str) -> dict[str, str]:
        """All that an event of this type has, with the extension on both sides."""
        status = EventCallStatus.CALLING if kind in _DIALS else EventCallStatus.ANSWER
        flow = "in" if kind in _CALLED else "out"
        digit = {"Digit": "0", "DigitFrom": extension} if kind is EventType.DIGIT else {}
        return {
            "CallID": TEST_CALL_ID,
            "CallerIDNum": extension,
            "CallerIDName": extension.rpartition("*")[2],
            "CalledDID": "",
            "CalledExtension": extension,
            "CallStatus": status.value,
            "CallFlow": flow.upper() if self._form.upper_case_flow else flow,
            "CallerExtension": extension,
            "CalledNumber": extension,
            "CallAPIID": TEST_CALL_ID,
            **digit,
        }
