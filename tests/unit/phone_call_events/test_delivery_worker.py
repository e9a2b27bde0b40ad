"""What a worker reads from disk while something is sent once more."""

from __future__ import annotations

from typing import cast

from bridge.phone_call_events.delivery import Delivery
from bridge.phone_call_events.delivery_context import DeliveryContext
from bridge.phone_call_events.delivery_worker import DeliveryWorker


class _Sent(Exception):
    """The worker wants to deliver what it has read."""


def _delivery() -> Delivery:
    return Delivery("d1", "s1", 1, "c1", occurred_ms=1, give_up_ms=2**62, parameters="")


class _OldList:
    """A store whose list was taken before the one attempt was written, and comes after it."""

    worker: DeliveryWorker

    def __init__(self) -> None:
        self.reads = 0

    async def waiting(self, *_: object) -> list[Delivery]:
        self.reads += 1
        self.worker.release("d1")
        return [_delivery()] if self.reads == 1 else []


class _Context:
    waiting_max = 10
    limits = None

    def __init__(self, store: _OldList) -> None:
        self.store = store

    def find(self, _: str) -> None:
        raise _Sent


async def test_given_a_list_older_than_the_one_attempt_when_read_then_it_is_not_sent_again() -> (
    None
):
    store = _OldList()
    worker = DeliveryWorker("s1", cast("DeliveryContext", _Context(store)))
    store.worker = worker
    worker.hold("d1")
    await worker.run()
    assert store.reads == 2  # the second list is surely newer
    assert worker.idle
