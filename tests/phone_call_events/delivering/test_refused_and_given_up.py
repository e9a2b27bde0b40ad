"""What is tried again, when, and for how long."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bridge.phone_call_events.delivery import DeliveryState
from bridge.phone_call_events.phone_call_events import SubscriptionDisabled

from ..in_process import EventsInProcess, OpenEventsInProcess
from ..receiver import Receiver, fine, refusing
from .attempts import until_finished
from .moods import sometimes


async def test_given_receiver_gone_when_event_is_sent_then_subscription_is_disabled_for_good(
    events_in_process: OpenEventsInProcess, receiver: Receiver
) -> None:
    receiver.mood = refusing(410)
    async with events_in_process() as running:
        subscription = await running.subscribe(receiver.url())
        for _ in range(3):
            running.end_a_call()
        first, *others = await until_finished(running, subscription)
        assert (first.state, first.http_status) == (DeliveryState.FAILED, 410)
        assert [(x.state, x.error) for x in others] == [
            (DeliveryState.FAILED, "the receiver answered 410 Gone")
        ] * 2
        with pytest.raises(SubscriptionDisabled):
            await running.events.send_again(subscription, first.id)
    async with events_in_process() as running:
        [off] = running.events.of_extension(subscription.extension)
        assert not off.enabled
        running.end_a_call()
        receiver.mood = fine
        await running.events.update(off.id, lambda x: replace(x, enabled=True))
        call = running.end_a_call()
        await receiver.wait_count(2)
        assert receiver.received[1].parameters["CallAPIID"] == call.id
        assert receiver.received[1].sequence == 4
    assert len(receiver.received) == 2


async def test_given_retry_after_when_event_is_refused_then_it_is_not_sent_earlier(
    running: EventsInProcess, receiver: Receiver
) -> None:
    receiver.mood = sometimes(refusing(503, **{"Retry-After": "1"}))
    await running.subscribe(receiver.url())
    running.end_a_call()
    await receiver.wait_count(2)
    first, second = receiver.received
    assert second.at_s - first.at_s >= 0.95


async def test_given_event_too_old_when_receiver_is_dead_then_it_is_given_up_and_kept_as_failed(
    events_in_process: OpenEventsInProcess, receiver: Receiver
) -> None:
    receiver.mood = refusing(500)
    async with events_in_process(events_age_max_s=4) as running:
        subscription = await running.subscribe(receiver.url())
        running.end_a_call()
        [failed] = await until_finished(running, subscription)
        assert failed.state is DeliveryState.FAILED
        assert failed.attempts >= 2
        assert (failed.http_status, failed.error) == (500, "the receiver answered 500")
        receiver.mood = fine
        count = len(receiver.received)
        call = running.end_a_call()
        await receiver.wait_count(count + 1)
        assert receiver.received[-1].parameters["CallAPIID"] == call.id
        assert receiver.received[-1].sequence == 2


async def test_given_failed_delivery_when_retried_then_it_is_sent_again_with_the_same_id(
    events_in_process: OpenEventsInProcess, receiver: Receiver
) -> None:
    receiver.mood = refusing(500)
    async with events_in_process(events_age_max_s=0.3) as running:
        subscription = await running.subscribe(receiver.url())
        running.end_a_call()
        [failed] = await until_finished(running, subscription)
        before = len(receiver.received)
        assert await running.events.send_again(subscription, failed.id)
        await receiver.wait_count(before + 1)
        [failed_again] = await until_finished(running, subscription)
        assert (failed_again.state, failed_again.attempts) == (DeliveryState.FAILED, before + 1)

        receiver.mood = fine
        assert await running.events.send_again(subscription, failed.id)
        await receiver.wait_count(before + 2)
        [delivered] = await until_finished(running, subscription)
        assert delivered.state is DeliveryState.DELIVERED
        assert len({x.delivery_id for x in receiver.received}) == 1
        assert [x.attempt for x in receiver.received] == list(range(1, before + 3))
        assert await running.events.send_again(subscription, "0" * 32) is None


async def test_given_event_waiting_for_its_retry_when_url_is_corrected_then_it_goes_there_at_once(
    events_in_process: OpenEventsInProcess, receiver: Receiver
) -> None:
    receiver.moods["/wrong"] = refusing(404)
    async with events_in_process(events_retry_first_s=600, events_retry_last_s=600) as running:
        subscription = await running.subscribe(receiver.url("/wrong"))
        running.end_a_call()
        await receiver.wait_count(1, "/wrong")
        right = receiver.url("/right")
        await running.events.update(subscription.id, lambda x: replace(x, url=right))
        await receiver.wait_count(1, "/right")
        assert receiver.at("/right")[0].attempt == 2
        assert len(receiver.at("/wrong")) == 1


async def test_given_event_waiting_for_its_retry_when_retried_by_hand_then_it_is_sent_at_once(
    events_in_process: OpenEventsInProcess, receiver: Receiver
) -> None:
    receiver.mood = sometimes(refusing(500))
    async with events_in_process(events_retry_first_s=600, events_retry_last_s=600) as running:
        subscription = await running.subscribe(receiver.url())
        running.end_a_call()
        await receiver.wait_count(1)
        [waiting] = await running.deliveries(subscription)
        await running.events.send_again(subscription, waiting.id)
        await receiver.wait_count(2)
        [delivered] = await until_finished(running, subscription)
        assert (delivered.state, delivered.attempts) == (DeliveryState.DELIVERED, 2)


async def test_given_full_queue_when_more_calls_end_then_the_oldest_are_given_up_and_recorded(
    events_in_process: OpenEventsInProcess, receiver: Receiver
) -> None:
    receiver.mood = refusing(500)
    async with events_in_process(events_waiting_max=10) as running:
        subscription = await running.subscribe(receiver.url())
        calls = []
        for _ in range(30):
            calls.append(running.end_a_call().id)
            await running.queue.submit()
        async with asyncio.timeout(10):
            while True:
                found = await running.deliveries(subscription)
                failed = [x for x in found if x.state is DeliveryState.FAILED]
                if len(failed) >= 20:
                    break
                await asyncio.sleep(0.02)
        assert {x.error for x in failed} == {"the queue of this subscription was full"}
        assert [x.call_id for x in found] == calls
        assert [x.sequence for x in failed] == list(range(1, 21))
        receiver.mood = fine
        done = len(receiver.received)
        await receiver.wait_count(done + 10)
        assert [x.parameters["CallAPIID"] for x in receiver.received[-10:]] == calls[-10:]
