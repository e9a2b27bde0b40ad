"""Rows of receivers of single calls: written once, loaded while something waits, then removed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.calls.store.call_store import CallStore
from bridge.calls.store.idempotency_store import IdempotencyEntry, IdempotencyStore
from bridge.phone_call_events.call_receivers import MISSING_MS, CallReceivers
from bridge.phone_call_events.delivery import DeliveryState
from bridge.phone_call_events.event_numbers import EventNumbers
from bridge.phone_call_events.store.app_secret_store import AppSecretStore
from bridge.phone_call_events.store.delivery_store import EventDeliveryStore, write_delivery
from bridge.phone_call_events.store.receiver_store import insert_receiver, waiting_receivers
from bridge.phone_call_events.store.subscription_store import EventSubscriptionStore
from bridge.phone_call_events.subscription import AppSecret, BodyFormat, OldSecret, Subscription
from bridge.storage.statement import StoppedByGuard
from bridge.storage.write_queue import WriteQueue

from .phone_calls import ended, live_call
from .test_event_deliveries import MOST, a_subscription, an_event

LONG_AFTER_MS = 2**50


async def test_given_receiver_of_a_call_when_all_is_delivered_and_over_then_its_row_goes(
    engine: AsyncEngine, queue: WriteQueue, store: CallStore
) -> None:
    call = live_call()
    await store.accept(call)
    receiver = replace(
        a_subscription(), types=(), note="", secret="", format=BodyFormat.JSON, call_id=call.id
    )
    for part in ("ringing", "ended"):
        event = replace(an_event(receiver, call.id, part), parameters="")
        await queue.submit(insert_receiver(receiver), *write_delivery(event))
    assert await waiting_receivers(engine) == [receiver]
    subscriptions, deliveries = (
        EventSubscriptionStore(engine, queue),
        EventDeliveryStore(engine, queue),
    )
    # It is no subscription of the extension, and takes no place of one.
    assert await subscriptions.load() == []
    assert [await subscriptions.insert(a_subscription(x), MOST) for x in range(2, 2 + MOST)] == [
        True
    ] * MOST
    for waiting in await deliveries.waiting(receiver.id, 0, 10):
        deliveries.record(replace(waiting, state=DeliveryState.DELIVERED, finished_ms=5))
    await queue.submit()
    assert await waiting_receivers(engine) == []
    assert await deliveries.purge_finished(LONG_AFTER_MS) == 2
    # The call lives: its next state has the next number.
    await queue.submit(insert_receiver(receiver), *write_delivery(an_event(receiver, call.id)))
    [third] = await deliveries.waiting(receiver.id, 0, 10)
    assert third.sequence == 3
    deliveries.record(replace(third, state=DeliveryState.DELIVERED, finished_ms=5))
    store.finish_later(ended(call))
    await queue.submit()
    await deliveries.purge_finished(LONG_AFTER_MS)
    await queue.submit(insert_receiver(receiver), *write_delivery(an_event(receiver, call.id)))
    assert [x.sequence for x in await deliveries.waiting(receiver.id, 0, 10)] == [1]


async def test_given_receiver_that_is_gone_when_more_is_written_then_nothing_waits(
    engine: AsyncEngine, queue: WriteQueue
) -> None:
    receiver = replace(a_subscription(), types=(), call_id="c" * 20)
    await queue.submit(insert_receiver(receiver), *write_delivery(an_event(receiver, "c", "a")))
    await EventSubscriptionStore(engine, queue).disable(receiver, "gone", 5)
    await queue.submit(insert_receiver(receiver), *write_delivery(an_event(receiver, "c", "b")))
    assert await waiting_receivers(engine) == []


async def test_given_secret_of_an_app_when_replaced_then_it_is_loaded_with_the_old_one(
    engine: AsyncEngine, queue: WriteQueue
) -> None:
    secrets = AppSecretStore(engine, queue)
    await secrets.insert(AppSecret("app", "first"))
    await secrets.insert(AppSecret("app", "other"))
    assert await secrets.load() == [AppSecret("app", "first")]
    after = AppSecret("app", "second", (OldSecret("first", 9),))
    assert await secrets.update(after, "first")
    assert await secrets.load() == [after]
    # Who has not seen that change replaces nothing by it, and keeps no answer that says so.
    answers = IdempotencyStore(engine, queue)
    entry = IdempotencyEntry("app", "key", "hash", 200, "{}", "u-1", 1)
    third = AppSecret("app", "third")
    assert not await secrets.update(third, "first", answers.insert(entry))
    assert await secrets.load() == [after]
    assert await answers.find("app", "key") is None
    assert await secrets.update(third, "second", answers.insert(entry))
    assert await secrets.load() == [third]
    assert await answers.find("app", "key") == entry
    # The same request once more, at another instance: its answer is on disk.
    with pytest.raises(StoppedByGuard):
        await secrets.update(AppSecret("app", "fourth"), "third", answers.insert(entry))
    assert await secrets.load() == [third]


class NoRights:
    def may_hear(self, _: Subscription) -> bool:
        return False


async def test_given_apps_that_are_removed_when_a_day_is_over_then_their_secrets_go(
    engine: AsyncEngine, queue: WriteQueue
) -> None:
    secrets, deliveries = AppSecretStore(engine, queue), EventDeliveryStore(engine, queue)
    receivers = CallReceivers(secrets, NoRights(), EventNumbers(), 60, lambda _: None)
    await receivers.start()
    old = {x: await receivers.secret_of(x) for x in ("gone", "busy", "here")}
    busy = replace(a_subscription(), types=(), call_id="c" * 20, client_id="busy")
    await queue.submit(insert_receiver(busy))

    async def kept() -> set[str]:
        return {x.client_id for x in await secrets.load()}

    assert await receivers.purge_secrets(0, old) == 0
    assert await receivers.purge_secrets(MISSING_MS, {"here"}) == 0, "missing just now"
    assert await receivers.purge_secrets(2 * MISSING_MS, old) == 0, "back in time"
    assert await receivers.purge_secrets(3 * MISSING_MS, {"here"}) == 0
    assert await kept() == set(old)
    assert await receivers.purge_secrets(4 * MISSING_MS, {"here"}) == 1
    assert await kept() == {"busy", "here"}
    assert receivers.known_secret("busy") == old["busy"]
    await deliveries.purge_finished(LONG_AFTER_MS)  # its receiver goes, too
    assert await receivers.purge_secrets(4 * MISSING_MS, {"here"}) == 1
    assert await kept() == {"here"}
    assert await receivers.secret_of("here") == old["here"]
    assert await receivers.secret_of("gone") != old["gone"]
    assert await kept() == {"here", "gone"}
