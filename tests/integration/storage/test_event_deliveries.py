"""Events are written with the call they belong to: numbered without a gap, never twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.calls.store.call_store import CallStore
from bridge.phone_call_events.delivery import DeliveryState, NewDelivery, delivery_id
from bridge.phone_call_events.store.delivery_store import (
    EventDeliveryStore,
    write_delivery,
    write_event,
)
from bridge.phone_call_events.store.subscription_store import EventSubscriptionStore
from bridge.phone_call_events.subscription import EventType, Method, Subscription
from bridge.storage.write_queue import WriteQueue

from .phone_calls import ended, live_call

MOST = 5


def a_subscription(number: int = 1, *, extension: str = "0003*210") -> Subscription:
    return Subscription(
        id=f"s{number:029d}",
        extension=extension,
        types=(EventType.HANG_UP,),
        url="https://example.com/?x=%2B",
        method=Method.POST,
        enabled=True,
        note="Ján",
        secret="key",
        client_id="app",
        modified_ms=7,
    )


def an_event(subscription: Subscription, call_id: str, part: str = "hang-up") -> NewDelivery:
    return NewDelivery(
        id=delivery_id(subscription.id, call_id, part),
        subscription_id=subscription.id,
        call_id=call_id,
        occurred_ms=1000,
        give_up_ms=9000,
        parameters="CallID=1",
        details="{}",
        extension_sequence=1,
    )


@pytest.fixture
def subscriptions(engine: AsyncEngine, queue: WriteQueue) -> EventSubscriptionStore:
    return EventSubscriptionStore(engine, queue)


@pytest.fixture
def deliveries(engine: AsyncEngine, queue: WriteQueue) -> EventDeliveryStore:
    return EventDeliveryStore(engine, queue)


async def test_given_subscription_when_loaded_again_then_it_is_the_same(
    subscriptions: EventSubscriptionStore,
) -> None:
    one = a_subscription()
    assert await subscriptions.insert(one, MOST)
    assert await subscriptions.load() == [one]
    changed = replace(one, url="http://b/", method=Method.GET, note="", modified_ms=8)
    await subscriptions.update(changed, why_disabled="")
    assert await subscriptions.load() == [changed]
    await subscriptions.delete([one.id])
    assert await subscriptions.load() == []


async def test_given_full_extension_when_one_more_is_inserted_then_it_is_refused(
    subscriptions: EventSubscriptionStore,
) -> None:
    inserted = await asyncio.gather(
        *(subscriptions.insert(a_subscription(x), MOST) for x in range(MOST + 3))
    )
    assert sum(inserted) == MOST
    assert await subscriptions.insert(a_subscription(99, extension="0003*211"), MOST)


async def test_given_change_of_call_when_event_is_written_along_then_both_are_there_once(
    subscriptions: EventSubscriptionStore,
    deliveries: EventDeliveryStore,
    store: CallStore,
    queue: WriteQueue,
) -> None:
    one = a_subscription()
    await subscriptions.insert(one, MOST)
    call = live_call()
    await store.accept(call)
    on_disk: list[int] = []
    final, hang_up = ended(call), write_delivery(an_event(one, call.id))
    store.track(call, write_delivery(an_event(one, call.id, "dial")), lambda: on_disk.append(1))
    store.finish_later(final, hang_up, lambda: on_disk.append(2))
    store.finish_later(final, hang_up, lambda: on_disk.append(3))
    await _all_written(queue)

    waiting = await deliveries.waiting(one.id, 0, 10)
    assert [(x.sequence, x.call_id, x.state) for x in waiting] == [
        (1, call.id, DeliveryState.WAITING),
        (2, call.id, DeliveryState.WAITING),
    ]
    assert on_disk == [1, 2, 3]
    assert await deliveries.subscriptions_waiting() == [one.id]


async def test_given_event_written_twice_when_next_one_follows_then_numbers_have_no_gap(
    subscriptions: EventSubscriptionStore, deliveries: EventDeliveryStore, queue: WriteQueue
) -> None:
    one, two = a_subscription(1), a_subscription(2)
    await subscriptions.insert(one, MOST)
    await subscriptions.insert(two, MOST)
    for call in ("a", "a", "b", "a", "b", "c"):
        queue.submit_later(
            *write_delivery(an_event(one, call)), *write_delivery(an_event(two, call))
        )
    await _all_written(queue)
    for each in (one, two):
        waiting = await deliveries.waiting(each.id, 0, 10)
        assert [(x.call_id, x.sequence) for x in waiting] == [("a", 1), ("b", 2), ("c", 3)]


async def test_given_two_instances_when_both_write_then_numbers_are_unique_and_without_gap(
    engine: AsyncEngine, subscriptions: EventSubscriptionStore, deliveries: EventDeliveryStore
) -> None:
    one = a_subscription()
    await subscriptions.insert(one, MOST)
    queues = [WriteQueue(engine, linger_ms=0, pace_ms=0) for _ in range(2)]
    for each in queues:
        await each.start()
    writes = [
        each.submit(*write_delivery(an_event(one, f"call{number}")))
        for number in range(100)
        for each in queues
    ]
    await asyncio.gather(*writes)
    for each in queues:
        await each.stop()
    waiting = await deliveries.waiting(one.id, 0, 1000)
    assert [x.sequence for x in waiting] == list(range(1, 101))
    assert len({x.call_id for x in waiting}) == 100


async def test_given_two_instances_with_two_clocks_when_both_make_events_then_numbers_grow(
    engine: AsyncEngine, subscriptions: EventSubscriptionStore, deliveries: EventDeliveryStore
) -> None:
    """Over all subscriptions of the extension; each event has one number in all of them."""
    one, two = a_subscription(1), a_subscription(2)
    queues = [WriteQueue(engine, linger_ms=0, pace_ms=0) for _ in range(2)]
    for each in queues:
        await each.start()
    for subscription in (one, two):
        await subscriptions.insert(subscription, MOST)
    before = [replace(an_event(x, "before"), extension_sequence=5_000) for x in (one, two)]
    await queues[0].submit(*write_event(before))
    await deliveries.count_on()
    for number in range(20):
        at_ms = 7_000 if number % 2 else 1_000  # the clock of the other is behind
        told = (one, two) if number % 3 else (two,)
        events = [replace(an_event(x, f"c{number}"), extension_sequence=at_ms) for x in told]
        await queues[number % 2].submit(*write_event(events, one.extension))
    for each in queues:
        await each.stop()
    of_call: dict[str, set[int]] = {}
    for found in await deliveries.waiting(one.id, 0, 100), await deliveries.waiting(two.id, 0, 100):
        for delivery in found:
            assert delivery.extension_sequence is not None
            of_call.setdefault(delivery.call_id, set()).add(delivery.extension_sequence)
    [*numbers] = [min(of_call[x]) for x in ("before", *(f"c{number}" for number in range(20)))]
    assert all(len(x) == 1 for x in of_call.values())
    assert numbers == sorted(set(numbers))
    assert numbers[:3] == [5_000, 5_001, 7_000]


async def test_given_deleted_or_disabled_subscription_when_event_comes_then_call_is_still_written(
    subscriptions: EventSubscriptionStore,
    deliveries: EventDeliveryStore,
    store: CallStore,
    queue: WriteQueue,
) -> None:
    off, never = replace(a_subscription(1), enabled=False), a_subscription(2)
    await subscriptions.insert(off, MOST)
    call = live_call()
    await store.accept(call)
    events = [x for each in (off, never) for x in write_delivery(an_event(each, call.id))]
    store.finish_later(ended(call), events)
    await _all_written(queue)
    assert [x.final is not None for x in [await store.find(call.id)] if x] == [True]
    assert await deliveries.waiting(off.id, 0, 10) == []


async def test_given_waiting_events_when_subscription_is_disabled_then_they_are_given_up(
    subscriptions: EventSubscriptionStore, deliveries: EventDeliveryStore, queue: WriteQueue
) -> None:
    one = a_subscription()
    await subscriptions.insert(one, MOST)
    await queue.submit(*write_delivery(an_event(one, "a")))
    off = replace(one, enabled=False, modified_ms=50)
    await subscriptions.update(off, why_disabled="subscription disabled")
    assert await deliveries.waiting(one.id, 0, 10) == []
    [given_up], total = await deliveries.page(one.id, start=0, count=10, newest_first=True)
    assert (given_up.state, given_up.error, given_up.finished_ms, total) == (
        DeliveryState.FAILED,
        "subscription disabled",
        50,
        1,
    )


async def test_given_finished_deliveries_when_purged_then_only_old_ones_go_and_numbers_go_on(
    subscriptions: EventSubscriptionStore, deliveries: EventDeliveryStore, queue: WriteQueue
) -> None:
    one = a_subscription()
    await subscriptions.insert(one, MOST)
    for call in ("a", "b", "c"):
        await queue.submit(*write_delivery(an_event(one, call)))
    first, second, _ = await deliveries.waiting(one.id, 0, 10)
    deliveries.record(replace(first, state=DeliveryState.DELIVERED, finished_ms=10))
    deliveries.record(replace(second, state=DeliveryState.FAILED, finished_ms=20))
    await _all_written(queue)
    assert await deliveries.purge_finished(20) == 1
    kept, total = await deliveries.page(one.id, start=0, count=10, newest_first=False)
    assert ([x.call_id for x in kept], total) == (["b", "c"], 2)
    await deliveries.wait_again(second.id, 99)
    again = await deliveries.find(one.id, second.id)
    assert again is not None
    assert (again.state, again.give_up_ms, again.finished_ms) == (DeliveryState.WAITING, 99, None)
    await queue.submit(*write_delivery(an_event(one, "d")))
    assert [x.sequence for x in await deliveries.waiting(one.id, 2, 10)] == [3, 4]
    assert await deliveries.count_waiting(one.id, 0) == 3


async def _all_written(queue: WriteQueue) -> None:
    """Groups are applied in order: once a later one is on disk, all before it are."""
    await queue.submit()
