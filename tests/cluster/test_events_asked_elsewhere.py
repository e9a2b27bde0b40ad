"""Requests about subscriptions at an instance that does not deliver to them: another one does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.calls.live.change import Change
from bridge.calls.state.effects import CallEnded
from bridge.cluster.lease import SHARDS
from bridge.cluster.lease_times import LeaseTimes
from bridge.phone_call_events.delivery import DeliveryState
from bridge.phone_call_events.subscription import Subscription
from bridge.testing.eventually import eventually
from bridge.testing.webhook_receiver import Receiver, fine, refusing, waiting_for
from tests.integration.event_deliveries.attempts import checked_signature, until_finished
from tests.integration.storage.phone_calls import ended, live_call

from .delivering_instance import DeliveringInstance
from .instances import holders

# The first instance keeps all shards.
_TIMES = LeaseTimes(settled_s=3_600)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def holder(postgresql_url: str, tmp_path: Path) -> AsyncIterator[DeliveringInstance]:
    async with DeliveringInstance("holder", tmp_path, postgresql_url, _TIMES) as instance:

        async def has_all() -> bool:
            return len(await holders(instance.engine)) == SHARDS

        await eventually(has_all, 20)
        yield instance


@pytest.fixture
async def subscription(holder: DeliveringInstance, receiver: Receiver) -> Subscription:
    return await holder.subscribe(receiver.url())


@pytest.fixture
async def asked(
    holder: DeliveringInstance, subscription: Subscription, postgresql_url: str, tmp_path: Path
) -> AsyncIterator[DeliveringInstance]:
    """It knows the subscription: that was there when it started."""
    async with DeliveringInstance("asked", tmp_path, postgresql_url, _TIMES) as instance:
        yield instance


async def test_given_a_test_event_when_another_instance_is_asked_then_it_tells_the_result(
    asked: DeliveringInstance, subscription: Subscription, receiver: Receiver
) -> None:
    tried = await asked.events.receiver_tests.send(subscription)
    assert tried is not None
    assert (tried.state, tried.http_status) == (DeliveryState.DELIVERED, 200)
    checked_signature(subscription.secret, receiver.received[0])

    receiver.mood = refusing(500)
    tried = await asked.events.receiver_tests.send(subscription)
    assert tried is not None
    assert (tried.state, tried.http_status, tried.attempts) == (DeliveryState.FAILED, 500, 1)
    assert len(receiver.received) == 2


async def test_given_a_delivered_event_when_another_instance_sends_it_again_then_it_comes_once(
    asked: DeliveringInstance, subscription: Subscription, receiver: Receiver
) -> None:
    asked.end_a_call()
    [first] = await until_finished(asked, subscription)
    again = await asked.events.send_again(subscription, first.id)
    assert again is not None
    await receiver.wait_count(2)
    [second] = await until_finished(asked, subscription)
    assert second.state is DeliveryState.DELIVERED
    assert second.attempts == 2
    assert [x.delivery_id for x in receiver.received] == [first.id] * 2


async def test_given_an_event_that_waits_when_another_instance_sends_it_again_then_it_hurries(
    asked: DeliveringInstance, holder: DeliveringInstance, receiver: Receiver
) -> None:
    receiver.mood = refusing(503, **{"Retry-After": "3600"})
    [subscription] = asked.events.of_extension("0003*210")
    asked.end_a_call()
    await receiver.wait_count(1)

    async def waits() -> bool:
        [delivery] = await asked.deliveries(subscription)
        return delivery.attempts == 1

    await eventually(waits, 10)
    assert asked.events.waiting_since_ms() == []
    assert len(holder.events.waiting_since_ms()) == 1
    receiver.mood = fine
    [delivery] = await asked.deliveries(subscription)
    assert await asked.events.send_again(subscription, delivery.id) is not None
    [delivery] = await until_finished(asked, subscription)
    assert delivery.state is DeliveryState.DELIVERED


async def test_given_a_status_url_when_another_instance_follows_the_call_then_the_holder_tells_it(
    asked: DeliveringInstance, holder: DeliveringInstance, receiver: Receiver
) -> None:
    """Also the secret of the app is new; and nothing stays in the memory of either."""
    free = asyncio.Event()
    receiver.moods["/status"] = waiting_for(free)
    secret = await asked.events.call_receivers.secret_of("app")
    call = ended(live_call(published_ms=time.time_ns() // 1_000_000))
    call = replace(call, client_id="app", status_url=receiver.url("/status"))
    assert call.final is not None
    rows = asked.events.call_receivers.of_change(Change(None, call, (CallEnded(call.final),)))
    assert rows is not None
    asked.calls.finish_later(call, rows.rows, rows.written)
    await receiver.wait_count(1, "/status")
    assert list(asked.events.call_receivers) == []
    assert [x.call_id for x in holder.events.call_receivers] == [call.id]
    [event] = receiver.at("/status")
    assert event.json["state"] == "ended"
    checked_signature(secret, event)
    replaced = await holder.events.call_receivers.replace_secret("app", 3_600)
    again = await asked.events.call_receivers.replace_secret("app", 3_600)
    assert [x.secret for x in again.old_secrets] == [replaced.secret, secret]
    await holder.events.call_receivers.hear_secrets()
    assert [x.secret for x in holder.events.call_receivers] == [again.secret]
    free.set()
    await eventually(lambda: list(holder.events.call_receivers) == [], 10)
