"""What is tried again, when, and for how long."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from bridge.phone_call_events.delivery import Delivery, DeliveryState
from bridge.phone_call_events.sending_again import SubscriptionDisabled
from bridge.testing.eventually import eventually
from bridge.testing.webhook_receiver import Mood, Receiver, fine, refusing

from .attempts import until_attempted, until_finished
from .in_process import EventsInProcess, OpenEventsInProcess
from .moods import sometimes


async def test_given_receiver_gone_when_event_is_sent_then_subscription_is_disabled_for_good(
    events_in_process: OpenEventsInProcess, receiver: Receiver
) -> None:
    receiver.mood = refusing(410)
    async with events_in_process(events_final_refused_max=2) as running:
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
        await receiver.wait_count(3)
        assert receiver.received[2].parameters["CallAPIID"] == call.id
        assert receiver.received[2].sequence == 4
    assert len(receiver.received) == 3


async def test_given_410_once_when_it_is_answered_then_the_subscription_stays_in_force(
    events_in_process: OpenEventsInProcess, receiver: Receiver
) -> None:
    receiver.mood = sometimes(refusing(410))
    async with events_in_process(events_final_refused_max=2) as running:
        subscription = await running.subscribe(receiver.url())
        running.end_a_call()
        [delivered] = await until_finished(running, subscription)
        assert (delivered.state, delivered.attempts) == (DeliveryState.DELIVERED, 2)
        [still] = running.events.of_extension(subscription.extension)
        assert still.enabled


def refusing_the_first_event(status: int) -> Mood:
    """A poison event: whatever comes of the first one is refused, all others are taken."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status if request.headers["X-Event-Sequence"] == "1" else 200)

    return answer


@pytest.mark.parametrize(
    ("status", "tries"), [(400, 2), (404, 2), (405, 2), (413, 2), (415, 2), (422, 2), (500, 4)]
)
async def test_given_an_event_that_is_refused_for_ever_when_more_come_then_they_are_delivered(
    events_in_process: OpenEventsInProcess, receiver: Receiver, status: int, tries: int
) -> None:
    receiver.mood = refusing_the_first_event(status)
    async with events_in_process(events_final_refused_max=2, events_refused_max=4) as running:
        subscription = await running.subscribe(receiver.url())
        for _ in range(3):
            running.end_a_call()
        refused, *others = await until_finished(running, subscription)
        assert (refused.state, refused.attempts) == (DeliveryState.FAILED, tries)
        assert refused.http_status == status
        assert refused.error == f"the receiver answered {status}; given up after {tries} tries"
        assert [x.state for x in others] == [DeliveryState.DELIVERED] * 2
        assert [x.sequence for x in receiver.received] == [1] * tries + [2, 3]


@pytest.mark.parametrize("status", [408, 425, 429, 502, 503, 504])
async def test_given_a_receiver_that_says_not_now_when_it_is_back_then_nothing_is_lost(
    events_in_process: OpenEventsInProcess, receiver: Receiver, status: int
) -> None:
    receiver.mood = refusing(status)
    async with events_in_process(events_final_refused_max=1, events_refused_max=1) as running:
        subscription = await running.subscribe(receiver.url())
        running.end_a_call()
        await until_attempted(running, subscription, 4)
        receiver.mood = fine
        [delivered] = await until_finished(running, subscription)
        assert delivered.state is DeliveryState.DELIVERED


async def test_given_tries_of_any_kind_are_limited_when_nobody_answers_then_the_next_one_goes_on(
    events_in_process: OpenEventsInProcess, receiver: Receiver
) -> None:
    receiver.mood = refusing(503)
    async with events_in_process(events_attempts_max=3) as running:
        subscription = await running.subscribe(receiver.url())
        running.end_a_call()
        [failed] = await until_finished(running, subscription)
        assert (failed.state, failed.attempts) == (DeliveryState.FAILED, 3)


async def test_given_a_receiver_that_fails_and_recovers_when_it_does_then_the_log_has_both_once(
    events_in_process: OpenEventsInProcess, receiver: Receiver
) -> None:
    receiver.mood = refusing(500)
    with capture_logs() as logged:
        async with events_in_process() as running:
            subscription = await running.subscribe(receiver.url("/hook?key=geheim"))
            for _ in range(3):
                running.end_a_call()
            [first, second, *_] = await until_attempted(running, subscription, 6)
            assert (first.blocking, second.blocking) == (True, False)
            receiver.mood = fine
            done = await until_finished(running, subscription)
            assert not any(x.blocking for x in done)
    [begin] = [x for x in logged if x["event"] == "subscription_blocked_began"]
    [end] = [x for x in logged if x["event"] == "subscription_blocked_ended"]
    assert (begin["subscription_id"], begin["log_level"]) == (subscription.id, "warning")
    assert begin["extension"] == subscription.extension
    assert begin["receiver"] == receiver.url("")
    assert "geheim" not in str(begin)
    assert (end["subscription_id"], end["how"]) == (subscription.id, "delivered")


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
        found: list[Delivery] = []

        async def twenty_failed() -> list[Delivery]:
            nonlocal found
            found = await running.deliveries(subscription)
            failed = [x for x in found if x.state is DeliveryState.FAILED]
            return failed if len(failed) >= 20 else []

        failed = await eventually(twenty_failed, timeout=10)
        assert {x.error for x in failed} == {"the queue of this subscription was full"}
        assert [x.call_id for x in found] == calls
        assert [x.sequence for x in failed] == list(range(1, 21))
        receiver.mood = fine
        done = len(receiver.received)
        await receiver.wait_count(done + 10)
        assert [x.parameters["CallAPIID"] for x in receiver.received[-10:]] == calls[-10:]


async def test_given_an_event_that_is_refused_once_then_the_timeline_has_both_attempts(
    events_in_process: OpenEventsInProcess, receiver: Receiver
) -> None:
    receiver.mood = sometimes(refusing(503))
    async with events_in_process() as running:
        subscription = await running.subscribe(receiver.url())
        call = running.end_a_call()
        await until_finished(running, subscription)
        attempts = await running.events.attempts(call.id, [subscription.extension])
        assert [(x.http_status, x.host, x.event_type) for x in attempts] == [
            (503, "127.0.0.1", "2"),
            (200, "127.0.0.1", "2"),
        ]
        assert {x.call_status for x in attempts} == {"ANSWER"}
        assert attempts[0].at_ms <= attempts[1].at_ms
        assert await running.events.attempts(call.id, ["0003*299"]) == []
