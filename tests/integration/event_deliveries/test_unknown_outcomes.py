"""The database has, or has not, done what it was asked; nobody knows. Its client was told 503."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

import pytest

from bridge.faults import StorageUnavailable
from bridge.phone_call_events.delivery import DeliveryState
from bridge.storage.statement import Counts, Write
from bridge.storage.write_queue import WriteQueue
from bridge.testing.webhook_receiver import Receiver

from .attempts import until_finished
from .in_process import EXTENSION, OpenEventsInProcess

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
either_way = pytest.mark.parametrize("written", [True, False], ids=["written", "not_written"])


@contextmanager
def answers_lost(queue: WriteQueue, *, written: bool, known: bool = False) -> Iterator[None]:
    """Nobody that waits for a write hears of its end, though it may be on disk."""
    submit = queue.submit

    async def unsure(*writes: Write, within_s: float | None = None) -> Counts:
        if written or not writes:
            await submit(*writes, within_s=within_s)
        raise StorageUnavailable("its answer was lost", outcome_unknown=not known)

    with (
        mock.patch.object(queue, "submit", unsure),
        pytest.raises(StorageUnavailable, match="its answer was lost"),
    ):
        yield


@either_way
async def test_given_an_unknown_outcome_when_subscribing_then_there_is_no_subscription(
    events_in_process: OpenEventsInProcess, receiver: Receiver, written: bool
) -> None:
    async with events_in_process() as running:
        with answers_lost(running.queue, written=written):
            await running.subscribe(receiver.url())
        assert running.events.of_extension(EXTENSION) == []
    async with events_in_process() as running:
        assert running.events.of_extension(EXTENSION) == []


@either_way
async def test_given_an_unknown_outcome_when_changing_then_the_subscription_is_as_before(
    events_in_process: OpenEventsInProcess, receiver: Receiver, written: bool
) -> None:
    async with events_in_process() as running:
        before = await running.subscribe(receiver.url())
        with answers_lost(running.queue, written=written):
            await running.events.update(before.id, lambda x: replace(x, note="other", url="no"))
        assert running.events.of_extension(EXTENSION) == [before]
    async with events_in_process() as running:
        assert running.events.of_extension(EXTENSION) == [before]


@either_way
async def test_given_an_unknown_outcome_when_deleting_then_the_subscription_is_gone(
    events_in_process: OpenEventsInProcess, receiver: Receiver, written: bool
) -> None:
    async with events_in_process() as running:
        subscription = await running.subscribe(receiver.url())
        with answers_lost(running.queue, written=written):
            await running.events.delete([subscription])
        assert running.events.of_extension(EXTENSION) == []
        assert await running.events.delete([subscription]) == []
    async with events_in_process() as running:
        assert running.events.of_extension(EXTENSION) == []


@pytest.mark.parametrize(
    ("written", "known"),
    [(True, False), (False, False), (False, True)],
    ids=["written", "not_written", "refused"],
)
async def test_given_a_lost_answer_when_sending_again_then_nothing_waits_and_it_can_be_repeated(
    events_in_process: OpenEventsInProcess, receiver: Receiver, written: bool, known: bool
) -> None:
    async with events_in_process() as running:
        subscription = await running.subscribe(receiver.url())
        running.end_a_call()
        [delivered] = await until_finished(running, subscription)
        with answers_lost(running.queue, written=written, known=known):
            await running.events.send_again(subscription, delivered.id)
        [after] = await running.deliveries(subscription)
        assert replace(after, give_up_ms=0) == replace(delivered, give_up_ms=0)
        await running.events.send_again(subscription, delivered.id)
        await receiver.wait_count(2)
        running.end_a_call()
        await receiver.wait_count(3)
        assert [(x.sequence, x.attempt) for x in receiver.received] == [(1, 1), (1, 2), (2, 1)]
        found = await until_finished(running, subscription)
        assert {x.state for x in found} == {DeliveryState.DELIVERED}
