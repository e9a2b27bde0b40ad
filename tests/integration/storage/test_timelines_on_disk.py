"""Timelines and attempts of webhooks are written with their calls, and removed with them."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.calls.store.call_store import CallStore
from bridge.phone_call_events.delivery import Attempt, Delivery
from bridge.phone_call_events.store.attempt_store import AttemptStore
from bridge.phone_call_events.store.subscription_store import EventSubscriptionStore
from bridge.storage.write_queue import WriteQueue

from .phone_calls import ended, finish, live_call
from .test_event_deliveries import MOST, a_subscription

SEEN_BY = ["0003*210"]


@pytest.fixture
def texts() -> dict[str, str]:
    """The timelines in memory, by the id of the call."""
    return {}


@pytest.fixture
def told(engine: AsyncEngine, queue: WriteQueue, texts: dict[str, str]) -> CallStore:
    return CallStore(engine, queue, timeline_of=texts.get)


@pytest.fixture
async def attempts(engine: AsyncEngine, queue: WriteQueue) -> AttemptStore:
    subscriptions = EventSubscriptionStore(engine, queue)
    await subscriptions.insert(a_subscription(), MOST)
    await subscriptions.insert(a_subscription(2, extension="0003*211"), MOST)
    return AttemptStore(engine, queue, attempts_max=3)


async def test_given_a_call_when_it_goes_on_then_its_timeline_is_kept_until_the_call_is_purged(
    told: CallStore, texts: dict[str, str]
) -> None:
    call, without = live_call(), live_call()
    texts[call.id] = "accepted"
    await told.accept(call, others=[without])
    assert await told.timeline(call.id) == "accepted"
    assert await told.live_timelines("main") == {call.id: "accepted"}
    texts[call.id] = "answered"
    told.track(call)
    assert await told.timeline(call.id) == "answered"
    del texts[call.id]
    await told.mark(call)
    assert await told.timeline(call.id) == "answered"
    texts[call.id] = "ended"
    assert await finish(told, ended(call, at_ms=2000))
    texts[call.id] = "too late"
    told.track(call)
    assert await told.timeline(call.id) == "ended"
    assert await told.live_timelines("main") == {}
    assert await told.purge_ended(3000) == 1
    assert await told.timeline(call.id) is None


def a_delivery(number: int, call_id: str, subscription: int = 1) -> Delivery:
    parameters = "CallID=1&CallStatus=HANGUP&CallFlow=in"
    subscription_id = a_subscription(subscription).id
    return Delivery(f"d{number}", subscription_id, number, call_id, 1000, 9000, parameters)


def an_attempt(at_ms: int, http_status: int | None = 503, error: str | None = "no") -> Attempt:
    return Attempt(at_ms, 12, "POST / HTTP/1.1", http_status, error, host="hooks.example")


def _note(queue: WriteQueue, attempts: AttemptStore, delivery: Delivery, attempt: Attempt) -> None:
    """As it is written with the state of the delivery."""
    row = attempts.row(delivery, attempt)
    assert row is not None
    queue.submit_later(row)


async def test_given_attempts_then_each_is_kept_until_its_call_is_purged(
    queue: WriteQueue, store: CallStore, attempts: AttemptStore
) -> None:
    call = live_call()
    await store.accept(call)
    _note(queue, attempts, a_delivery(1, call.id), an_attempt(20))
    _note(queue, attempts, a_delivery(1, call.id), an_attempt(10, None, "no answer"))
    _note(queue, attempts, a_delivery(2, call.id, subscription=2), an_attempt(30))
    kept = await attempts.of_call(call.id, SEEN_BY)
    assert [(x.at_ms, x.http_status, x.error) for x in kept] == [
        (10, None, "no answer"),
        (20, 503, "no"),
    ]
    assert (kept[0].call_status, kept[0].host, kept[0].duration_ms) == (
        "HANGUP",
        "hooks.example",
        12,
    )
    await finish(store, ended(call, at_ms=2000))
    await store.purge_ended(3000)
    assert await attempts.of_call(call.id, SEEN_BY) == []


async def test_given_a_receiver_that_never_answers_then_so_many_attempts_are_kept_and_no_more(
    queue: WriteQueue, store: CallStore, attempts: AttemptStore
) -> None:
    call = live_call()
    await store.accept(call)
    for at_ms in range(10):
        _note(queue, attempts, a_delivery(1, call.id), an_attempt(at_ms))
    kept = await attempts.of_call(call.id, SEEN_BY)
    assert [x.at_ms for x in kept] == [0, 1, 2]


async def test_given_a_subscription_that_is_deleted_then_its_attempts_stay(
    engine: AsyncEngine, queue: WriteQueue, store: CallStore, attempts: AttemptStore
) -> None:
    call = live_call()
    await store.accept(call)
    _note(queue, attempts, a_delivery(1, call.id), an_attempt(10))
    assert len(await attempts.of_call(call.id, SEEN_BY)) == 1
    await EventSubscriptionStore(engine, queue).delete([a_subscription().id])
    _note(queue, attempts, a_delivery(1, call.id), an_attempt(20))
    _note(queue, attempts, a_delivery(1, "0" * 20), an_attempt(30))
    assert [x.at_ms for x in await attempts.of_call(call.id, SEEN_BY)] == [10]


async def test_given_the_setting_is_0_then_no_attempt_is_kept(
    engine: AsyncEngine, queue: WriteQueue, store: CallStore, attempts: AttemptStore
) -> None:
    call = live_call()
    await store.accept(call)
    assert AttemptStore(engine, queue, 0).row(a_delivery(1, call.id), an_attempt(10)) is None
    assert await attempts.of_call(call.id, SEEN_BY) == []
