"""Restarts, subscriptions that go, old records, targets that are forbidden, and the pace."""

from __future__ import annotations

import asyncio
import time

import pytest

from bridge.phone_call_events.delivery import DeliveryState
from bridge.testing.webhook_receiver import Receiver, fine, refusing

from .attempts import until_attempted, until_finished
from .in_process import EventsInProcess, OpenEventsInProcess
from .moods import hanging


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
    assert "public" in (delivery.error or "")
    assert delivery.http_status is None
    assert receiver.received == []


async def test_given_fast_receiver_when_calls_end_fast_then_200_events_a_second_are_delivered(
    events_in_process: OpenEventsInProcess,
    receiver: Receiver,
    database_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # A machine that stands still for a moment is no receiver that does not answer.
    async with events_in_process(events_timeout_s=30) as running:
        await deliver_fast(running, receiver, database_url, capsys)


async def deliver_fast(
    running: EventsInProcess,
    receiver: Receiver,
    database_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    subscription = await running.subscribe(receiver.url())
    count, began, cpu_before_s = 1000, time.monotonic(), time.process_time()
    slowest_ms = 0.0
    for _ in range(count // 10):
        for _ in range(10):
            before = time.perf_counter()
            running.end_a_call()
            slowest_ms = max(slowest_ms, (time.perf_counter() - before) * 1000)
        await asyncio.sleep(0)  # the service works between two bursts
    await receiver.wait(lambda: len(receiver.received) >= count, time_limit_s=60)
    took_s, cpu_s = time.monotonic() - began, time.process_time() - cpu_before_s
    assert [x.sequence for x in receiver.received] == list(range(1, count + 1))
    with capsys.disabled():
        print(  # noqa: T201 - a figure for who reads the run
            f"\n{count / took_s:.0f} events/s to one receiver on loopback, on"
            f" {database_url.partition('+')[0]}; slowest hand-over of a change {slowest_ms:.1f} ms"
        )
    # Of the time that this process had, the receiver's part included: how much that was of the
    # time that passed is the machine's business, and PostgreSQL's is that of other processes.
    assert count / cpu_s >= 200
    assert count / took_s >= 40  # nor does it wait for anything
    finished = await until_finished(running, subscription)
    assert {x.attempts for x in finished} == {1}
