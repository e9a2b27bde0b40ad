"""An event that an app wants to be sent again, a moment after its last attempt."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from bridge.faults import StorageUnavailable
from bridge.phone_call_events.deliveries import Deliveries
from bridge.phone_call_events.delivery import Delivery, DeliveryState
from bridge.phone_call_events.sending_again import SendingAgain
from bridge.phone_call_events.store.delivery_store import EventDeliveryStore

from .test_shared_deliveries import subscription

WAITED = Delivery("d1", "s1", 1, "c1", 1000, 9000, "CallID=c1")
DELIVERED = replace(WAITED, state=DeliveryState.DELIVERED, attempts=1, finished_ms=2000)


class SlowDisk:
    """In the place of the store: the result of the attempt is on disk once one waits for it."""

    def __init__(self, *, takes_writes: bool = True) -> None:
        self.on_disk = WAITED
        self._takes_writes = takes_writes

    async def caught_up(self) -> bool:
        if self._takes_writes:
            self.on_disk = DELIVERED
        return self._takes_writes

    async def find(self, *_: str) -> Delivery:
        return self.on_disk

    async def wait_again(self, *_: object) -> None:
        self.on_disk = WAITED


class Sent:
    """In the place of the dispatcher."""

    def __init__(self) -> None:
        self.once_more: list[str] = []

    def hurry(self, _: str) -> None:
        """Nothing waits for a retry here."""

    def hold(self, *_: str) -> None:
        """Nothing else sends here."""

    def send_once_more(self, delivery: Delivery) -> None:
        self.once_more.append(delivery.id)


def sending_again(disk: SlowDisk, sent: Sent) -> SendingAgain:
    store = cast("EventDeliveryStore", disk)
    return SendingAgain(store, cast("Deliveries", sent), lambda _: True, 60)


async def test_given_a_result_that_is_not_on_disk_yet_when_asked_then_it_is_sent_again() -> None:
    sent = Sent()
    delivery = await sending_again(SlowDisk(), sent).send(subscription(), "d1")
    assert delivery is not None
    assert delivery.state is DeliveryState.WAITING
    assert sent.once_more == ["d1"]


async def test_given_a_result_that_cannot_be_written_when_asked_then_it_is_refused() -> None:
    sent = Sent()
    with pytest.raises(StorageUnavailable):
        await sending_again(SlowDisk(takes_writes=False), sent).send(subscription(), "d1")
    assert sent.once_more == []
