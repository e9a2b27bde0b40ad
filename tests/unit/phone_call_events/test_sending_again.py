"""An event that an app wants to be sent again, a moment after its last attempt."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from bridge.phone_call_events.deliveries import Deliveries
from bridge.phone_call_events.delivery import Delivery, DeliveryState
from bridge.phone_call_events.sending_again import SendingAgain
from bridge.phone_call_events.store.delivery_store import EventDeliveryStore

from .test_shared_deliveries import subscription

WAITED = Delivery("d1", "s1", 1, "c1", 1000, 9000, "CallID=c1")
DELIVERED = replace(WAITED, state=DeliveryState.DELIVERED, attempts=1, finished_ms=2000)


class SlowDisk:
    """In the place of the store: the result of the attempt is on disk once one waits for it."""

    def __init__(self) -> None:
        self.on_disk = WAITED

    async def caught_up(self) -> bool:
        self.on_disk = DELIVERED
        return True

    async def find(self, *_: str) -> Delivery:
        return self.on_disk

    async def wait_again(self, *_: object) -> None:
        self.on_disk = WAITED


class Sent:
    """In the place of the dispatcher."""

    def __init__(self) -> None:
        self.once_more: list[str] = []

    def hold(self, *_: str) -> None:
        """Nothing else sends here."""

    def send_once_more(self, delivery: Delivery) -> None:
        self.once_more.append(delivery.id)


async def test_given_a_result_that_is_not_on_disk_yet_when_asked_then_it_is_sent_again() -> None:
    disk, sent = SlowDisk(), Sent()
    again = SendingAgain(
        cast("EventDeliveryStore", disk), cast("Deliveries", sent), lambda _: True, 60
    )
    delivery = await again.send(subscription(), "d1")
    assert delivery is not None
    assert delivery.state is DeliveryState.WAITING
    assert sent.once_more == ["d1"]
