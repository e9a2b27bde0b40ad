"""At least once, in order, nobody held up by another, whatever a receiver does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest
from aiohttp import web

from bridge.phone_call_events.delivery import DeliveryState
from bridge.phone_call_events.subscription import Method
from bridge.testing.webhook_receiver import PARAMETERS, Mood, Receiver, refusing

from .attempts import checked_signature, until_attempted, until_finished
from .in_process import EventsInProcess, OpenEventsInProcess
from .moods import closing, closing_in_the_headers, garbage, hanging, slow, sometimes


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
        assert set(received.parameters) == set(PARAMETERS)


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
        Receiver("127.0.0.3") as dead,
        Receiver("127.0.0.4") as slow_one,
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
        await asyncio.sleep(0.02)  # others come meanwhile
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


async def counted_at_once(
    running: EventsInProcess, receivers: Sequence[Receiver], extensions: Sequence[str]
) -> int:
    """How many requests are open at once at receivers that answer nothing for a while."""
    free, open_now = asyncio.Event(), 0

    async def counting(_: web.Request) -> web.StreamResponse:
        nonlocal open_now
        open_now += 1
        await free.wait()
        return web.Response()

    for receiver in receivers:
        receiver.mood = counting
        for number, extension in enumerate(extensions):
            await running.subscribe(receiver.url(f"/{number}"), extension=extension)
    for extension in extensions:
        running.end_a_call(extension)
    before, same = -1, 0
    while same < 10:
        await asyncio.sleep(0.05)  # ten times the same count: no more come
        same = same + 1 if open_now == before and before > 0 else 0
        before = open_now
    free.set()
    return open_now


async def test_given_slow_receivers_of_one_organization_when_another_has_an_event_then_it_comes(
    events_in_process: OpenEventsInProcess,
) -> None:
    async with AsyncExitStack() as stack:
        slow_ones = [await stack.enter_async_context(Receiver(f"127.0.1.{x}")) for x in range(1, 9)]
        fast = await stack.enter_async_context(Receiver())
        running = await stack.enter_async_context(
            events_in_process(
                events_timeout_s=60,
                events_connections_max=8,
                events_connections_per_organization_max=4,
                events_connections_per_host_max=2,
            )
        )
        await running.subscribe(fast.url(), extension="0004*210")
        extensions = [f"0003*{x}" for x in (210, 211)]
        counting = asyncio.create_task(counted_at_once(running, slow_ones, extensions))
        for each in slow_ones[:2]:
            await each.wait_count(1, "/0")
        running.end_a_call("0004*210")
        await fast.wait_count(1)
        assert await counting == 4


async def test_given_many_ports_of_one_host_when_events_come_then_they_count_as_one_host(
    events_in_process: OpenEventsInProcess,
) -> None:
    async with AsyncExitStack() as stack:
        ports = [await stack.enter_async_context(Receiver()) for _ in range(6)]
        running = await stack.enter_async_context(
            events_in_process(events_timeout_s=60, events_connections_per_host_max=3)
        )
        assert await counted_at_once(running, ports, ["0003*210"]) == 3
