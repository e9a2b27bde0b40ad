"""Deliveries to receivers in every mood: at least once, in order, nobody held up by another."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import web

from bridge.phone_call_events.delivery import Delivery, DeliveryState
from bridge.phone_call_events.phone_call_events import SubscriptionDisabled
from bridge.phone_call_events.subscription import Method, Subscription

from .in_process import EventsInProcess, OpenEventsInProcess
from .receiver import Mood, Received, Receiver, fine, refusing


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def running(events_in_process: OpenEventsInProcess) -> AsyncIterator[EventsInProcess]:
    async with events_in_process() as running:
        yield running


async def until_finished(
    running: EventsInProcess, subscription: Subscription, time_limit_s: float = 10.0
) -> list[Delivery]:
    async with asyncio.timeout(time_limit_s):
        while True:
            found = await running.deliveries(subscription)
            if all(x.finished_ms is not None for x in found):
                return found
            await asyncio.sleep(0.02)


async def until_attempted(
    running: EventsInProcess, subscription: Subscription, times: int
) -> list[Delivery]:
    """The first delivery has been tried so often."""
    async with asyncio.timeout(10):
        while True:
            found = await running.deliveries(subscription)
            if found[0].attempts >= times:
                return found
            await asyncio.sleep(0.02)


def checked_signature(secret: str, received: Received) -> None:
    """As README.md tells receivers to check it."""
    headers = received.headers
    stamp, found = headers["X-Event-Signature"].split(",")
    signed = "\n".join(
        [
            stamp.removeprefix("t="),
            headers["X-Event-Delivery-Id"],
            headers["X-Event-Sequence"],
            headers["X-Event-Attempt"],
            received.method,
            received.target,
        ]
    )
    text = signed.encode() + b"\n" + received.body
    expected = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    assert found == f"v1={expected}"
    assert abs(time.time() - int(stamp.removeprefix("t="))) < 60


async def hanging(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3600)
    return web.Response()


async def slow(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(0.5)
    return web.Response()


async def closing(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def closing_in_the_headers(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Le")
    request.transport.close()
    return web.Response()


async def garbage(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.write(b"220 mail.example ESMTP\r\n")
    request.transport.close()
    return web.Response()


def sometimes(bad: Mood, good: Mood = fine) -> Mood:
    """Bad, good, bad, good."""
    count = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal count
        count += 1
        return await (bad if count % 2 else good)(request)

    return answer


@pytest.mark.parametrize("method", list(Method))
async def test_given_url_with_query_when_event_is_sent_then_it_arrives_as_signed(
    running: EventsInProcess, receiver: Receiver, method: Method
) -> None:
    path = "/hook%2Fx/%C3%A1"
    url = receiver.url(path + "?own=%2B+%25&list=a&list=b&e=#part")
    subscription = await running.subscribe(url, method)
    call = running.end_a_call()
    await receiver.wait(lambda: bool(receiver.received))
    [received] = receiver.received
    assert received.method == method.name
    assert received.target.startswith(path + "?own=%2B+%25&list=a&list=b&e=")
    assert "part" not in received.target
    checked_signature(subscription.secret, received)
    assert (received.sequence, received.attempt) == (1, 1)
    sent = received.body.decode() or received.target
    assert f"CallAPIID={call.id}" in sent
    assert "CallStatus=ANSWER" in sent
    if method is Method.POST:
        assert received.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert set(received.parameters) == {
            "CallID",
            "CallerIDNum",
            "CallerIDName",
            "CalledDID",
            "CalledExtension",
            "CallStatus",
            "CallFlow",
            "CallerExtension",
            "CalledNumber",
            "CallAPIID",
        }


@pytest.mark.parametrize(
    "bad",
    [
        refusing(500),
        refusing(404),
        refusing(302, Location="/elsewhere"),
        refusing(307, Location="/elsewhere"),
        hanging,
        closing,
        closing_in_the_headers,
        garbage,
    ],
    ids=["500", "404", "302", "307", "hangs", "closes", "closes in the headers", "is no HTTP"],
)
async def test_given_receiver_failing_every_other_time_when_calls_end_then_all_come_in_order(
    running: EventsInProcess, receiver: Receiver, bad: Mood
) -> None:
    receiver.mood = sometimes(bad)
    subscription = await running.subscribe(receiver.url())
    calls = [running.end_a_call().id for _ in range(4)]
    finished = await until_finished(running, subscription)
    assert [x.call_id for x in finished] == calls
    assert [x.sequence for x in finished] == [1, 2, 3, 4]
    assert {(x.state, x.attempts, x.http_status) for x in finished} == {
        (DeliveryState.DELIVERED, 2, 200)
    }
    came = receiver.at("/")
    assert [(x.sequence, x.attempt) for x in came] == [(s, a) for s in (1, 2, 3, 4) for a in (1, 2)]
    assert len({x.delivery_id for x in came}) == 4
    assert receiver.at("/elsewhere") == []


async def test_given_receiver_down_and_back_when_calls_end_meanwhile_then_all_come_in_order(
    running: EventsInProcess, receiver: Receiver
) -> None:
    subscription = await running.subscribe(receiver.url())
    await receiver.down()
    calls = [running.end_a_call().id for _ in range(20)]
    first, *_ = await until_attempted(running, subscription, 3)
    assert "not connected" in (first.error or "")
    await receiver.up()
    await receiver.wait_count(20)
    assert [x.parameters["CallAPIID"] for x in receiver.received] == calls


async def test_given_receiver_answering_10_mb_when_event_is_sent_then_it_is_delivered_not_read(
    running: EventsInProcess, receiver: Receiver
) -> None:
    written = 0

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        response.content_length = 10 << 20
        await response.prepare(request)
        for _ in range(160):
            await response.write(b"x" * (64 << 10))
            written += 64 << 10
        return response

    receiver.mood = flood
    subscription = await running.subscribe(receiver.url())
    running.end_a_call()
    [delivery] = await until_finished(running, subscription)
    assert (delivery.state, delivery.attempts) == (DeliveryState.DELIVERED, 1)
    assert delivery.duration_ms is not None
    assert delivery.duration_ms < 1500
    assert written < 10 << 20


async def test_given_dead_and_slow_receivers_when_calls_end_then_a_fast_one_is_not_held_up(
    events_in_process: OpenEventsInProcess,
) -> None:
    async with (
        Receiver() as dead,
        Receiver() as slow_one,
        Receiver() as fast,
        events_in_process(events_per_extension_max=21) as running,
    ):
        dead.mood, slow_one.mood = hanging, slow
        for each in (dead, slow_one):
            for number in range(10):
                await running.subscribe(each.url(f"/{number}"))
        await running.subscribe(fast.url())
        for _ in range(20):
            running.end_a_call()
        # The slow one takes 10 s for as many, the dead one does not take one.
        await fast.wait_count(20, time_limit_s=8)


async def test_given_many_subscriptions_at_one_receiver_when_calls_end_then_connections_are_few(
    events_in_process: OpenEventsInProcess, receiver: Receiver
) -> None:
    open_now, most = 0, 0

    async def counting(_: web.Request) -> web.StreamResponse:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0.02)
        open_now -= 1
        return web.Response()

    receiver.mood = counting
    async with events_in_process(
        events_connections_per_host_max=3, events_per_extension_max=12
    ) as running:
        for _ in range(12):
            await running.subscribe(receiver.url())
        for _ in range(5):
            running.end_a_call()
        await receiver.wait_count(60)
    assert most == 3


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
        on = replace(off, enabled=True)
        await running.events.update(on)
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
    async with events_in_process(events_age_max_s=0.6) as running:
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
        await running.events.update(replace(subscription, url=receiver.url("/right")))
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


async def test_given_undelivered_events_when_service_restarts_then_they_are_delivered_once(
    events_in_process: OpenEventsInProcess, receiver: Receiver
) -> None:
    receiver.mood = hanging
    async with events_in_process(events_timeout_s=5) as running:
        subscription = await running.subscribe(receiver.url())
        calls = [running.end_a_call().id for _ in range(5)]
        await receiver.wait_count(1)
        await receiver.down()
    receiver.mood = fine
    receiver.received.clear()
    await receiver.up()
    async with events_in_process() as running:
        await receiver.wait_count(5)
        assert [x.parameters["CallAPIID"] for x in receiver.received] == calls
        finished = await until_finished(running, subscription)
        assert [x.state for x in finished] == [DeliveryState.DELIVERED] * 5
        assert len(receiver.received) == 5


async def test_given_deleted_subscription_when_calls_go_on_then_nothing_more_is_sent(
    running: EventsInProcess, receiver: Receiver
) -> None:
    receiver.moods["/a"] = refusing(500)
    gone = await running.subscribe(receiver.url("/a"))
    await running.subscribe(receiver.url("/b"))
    running.end_a_call()
    await receiver.wait_count(2, "/a")
    assert await running.events.delete([gone]) == [gone.id]
    await receiver.wait_count(1, "/b")
    count = len(receiver.at("/a"))
    for _ in range(5):
        running.end_a_call()
    await receiver.wait_count(6, "/b")
    assert len(receiver.at("/a")) <= count + 1


async def test_given_old_deliveries_when_purged_then_they_are_gone(
    running: EventsInProcess, receiver: Receiver
) -> None:
    subscription = await running.subscribe(receiver.url())
    running.end_a_call()
    await until_finished(running, subscription)
    assert await running.events.purge(time.time_ns() // 1_000_000 - 60_000) == 0
    assert await running.events.purge(time.time_ns() // 1_000_000 + 1) == 1
    assert await running.deliveries(subscription) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
async def test_given_private_targets_forbidden_when_url_leads_inside_then_nothing_is_sent(
    events_in_process: OpenEventsInProcess, receiver: Receiver, host: str
) -> None:
    url = receiver.url().replace("127.0.0.1", host)
    async with events_in_process(events_private_targets=False) as running:
        subscription = await running.subscribe(url)
        running.end_a_call()
        [delivery] = await until_attempted(running, subscription, 1)
    assert "public address" in (delivery.error or "")
    assert delivery.http_status is None
    assert receiver.received == []


async def test_given_fast_receiver_when_calls_end_fast_then_200_events_a_second_are_delivered(
    running: EventsInProcess,
    receiver: Receiver,
    database_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    subscription = await running.subscribe(receiver.url())
    count, began = 1000, time.monotonic()
    slowest_ms = 0.0
    for _ in range(count // 10):
        for _ in range(10):
            before = time.perf_counter()
            running.end_a_call()
            slowest_ms = max(slowest_ms, (time.perf_counter() - before) * 1000)
        await asyncio.sleep(0)
    await receiver.wait(lambda: len(receiver.received) >= count, time_limit_s=60)
    took_s = time.monotonic() - began
    assert [x.sequence for x in receiver.received] == list(range(1, count + 1))
    with capsys.disabled():
        print(  # noqa: T201 - a figure for who reads the run
            f"\n{count / took_s:.0f} events/s to one receiver on loopback, on"
            f" {database_url.partition('+')[0]}; slowest hand-over of a change {slowest_ms:.1f} ms"
        )
    # Of PostgreSQL a process of its own answers each statement: while other tests use all
    # processors, its figure is that of the machine.
    if database_url.startswith("sqlite"):
        assert count / took_s >= 200
    finished = await until_finished(running, subscription)
    assert {x.attempts for x in finished} == {1}
