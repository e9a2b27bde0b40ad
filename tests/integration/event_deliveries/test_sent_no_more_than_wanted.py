"""Once more means once, and nothing goes to where the subscription no longer wants it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import Any

import aiohappyeyeballs
import pytest
from aiohttp import web

from bridge.faults import StorageUnavailable
from bridge.phone_call_events import delivery_worker
from bridge.phone_call_events.delivery import Delivery, DeliveryState
from bridge.phone_call_events.store.delivery_store import EventDeliveryStore
from bridge.testing.eventually import eventually
from bridge.testing.webhook_receiver import Receiver, fine, refusing, waiting_for
from tests.integration.storage.test_database_down import locked

from .attempts import until_attempted, until_finished
from .in_process import OpenEventsInProcess

_TIME_FOR_ANOTHER_S = 0.5
OTHER = "0003*211"


async def test_given_a_restart_when_a_delivered_event_is_sent_again_then_it_comes_once(
    events_in_process: OpenEventsInProcess, receiver: Receiver
) -> None:
    async with events_in_process() as running:
        subscription = await running.subscribe(receiver.url())
        running.end_a_call()
        [delivered] = await until_finished(running, subscription)
    async with events_in_process() as running:
        await running.events.send_again(subscription, delivered.id)
        await receiver.wait_count(2)
        await asyncio.sleep(_TIME_FOR_ANOTHER_S)  # it would have come
        assert [x.attempt for x in receiver.received] == [1, 2]
        [again] = await running.deliveries(subscription)
        assert (again.state, again.attempts) == (DeliveryState.DELIVERED, 2)
        running.end_a_call()
        await receiver.wait_count(3)
        assert receiver.received[2].sequence == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_given_a_locked_database_when_the_receiver_is_gone_then_it_is_disabled_later(
    database_url: str, events_in_process: OpenEventsInProcess, receiver: Receiver
) -> None:
    async with events_in_process(events_final_refused_max=1) as running:
        subscription = await running.subscribe(receiver.url())
        with contextlib.ExitStack() as stack:

            async def gone(request: web.Request) -> web.StreamResponse:
                stack.enter_context(locked(database_url))
                return await refusing(410)(request)

            receiver.mood = gone
            running.end_a_call()
            running.end_a_call()
            await receiver.wait_count(1)
            await eventually(lambda: bool(running.queue.problem))
        await eventually(lambda: not running.events.of_extension(subscription.extension)[0].enabled)
    assert len(receiver.received) == 1


@pytest.mark.parametrize("change", ["deleted", "moved"])
async def test_given_a_busy_host_when_a_subscription_changes_then_its_old_url_gets_nothing(
    events_in_process: OpenEventsInProcess, receiver: Receiver, change: str
) -> None:
    free = asyncio.Event()

    async with events_in_process(events_connections_per_host_max=1, events_timeout_s=30) as running:
        receiver.moods["/busy"] = waiting_for(free)
        await running.subscribe(receiver.url("/busy"))
        running.end_a_call()
        await receiver.wait_count(1, "/busy")
        waiting = await running.subscribe(receiver.url("/old"))
        running.end_a_call()
        assert len(await running.deliveries(waiting)) == 1
        await asyncio.sleep(0.1)  # its worker waits for the one connection
        if change == "deleted":
            await running.events.delete([waiting])
        else:
            url = receiver.url("/new")
            await running.events.update(waiting.id, lambda x: replace(x, url=url))
        free.set()
        await receiver.wait_count(2, "/busy")
        if change == "moved":
            await receiver.wait_count(1, "/new")
        await asyncio.sleep(_TIME_FOR_ANOTHER_S)  # it would have come
        assert receiver.at("/old") == []


@pytest.mark.parametrize("change", ["deleted", "moved"])
async def test_given_a_connection_that_takes_long_when_a_subscription_changes_then_nothing_is_sent(
    events_in_process: OpenEventsInProcess,
    receiver: Receiver,
    change: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connecting, may_connect = asyncio.Event(), asyncio.Event()
    connect = aiohappyeyeballs.start_connection

    async def slow(*args: Any, **kwargs: Any) -> Any:
        connecting.set()
        await may_connect.wait()
        return await connect(*args, **kwargs)

    monkeypatch.setattr(aiohappyeyeballs, "start_connection", slow)
    async with events_in_process(events_timeout_s=30) as running:
        subscription = await running.subscribe(receiver.url("/old"))
        running.end_a_call()
        await connecting.wait()
        if change == "deleted":
            await running.events.delete([subscription])
        else:
            url = receiver.url("/new")
            await running.events.update(subscription.id, lambda x: replace(x, url=url))
        may_connect.set()
        if change == "moved":
            await receiver.wait_count(1, "/new")
        await asyncio.sleep(_TIME_FOR_ANOTHER_S)  # it would have come
        assert receiver.at("/old") == []


@pytest.mark.parametrize("first", ["delivered", "refused"])
async def test_given_an_attempt_under_way_when_disabled_and_enabled_then_what_waited_stays_given_up(
    events_in_process: OpenEventsInProcess, receiver: Receiver, first: str
) -> None:
    answer = asyncio.Event()

    receiver.mood = waiting_for(answer, 200 if first == "delivered" else 500)
    async with events_in_process(events_timeout_s=30) as running:
        subscription = await running.subscribe(receiver.url())
        for _ in range(5):
            running.end_a_call()
        await receiver.wait_count(1)
        await running.events.update(subscription.id, lambda x: replace(x, enabled=False))
        await running.events.update(subscription.id, lambda x: replace(x, enabled=True))
        answer.set()
        await asyncio.sleep(_TIME_FOR_ANOTHER_S)  # it would have come
        states = [x.state for x in await running.deliveries(subscription)]
        assert len(receiver.received) == 1
        ended = DeliveryState.DELIVERED if first == "delivered" else DeliveryState.FAILED
        assert states == [ended, *[DeliveryState.FAILED] * 4]
        running.end_a_call()
        await receiver.wait_count(2)
        assert receiver.received[1].sequence == 6


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_given_a_locked_database_when_disabled_then_it_is_not_and_all_is_delivered(
    database_url: str, events_in_process: OpenEventsInProcess, receiver: Receiver
) -> None:
    receiver.mood = refusing(503)
    async with events_in_process() as running:
        subscription = await running.subscribe(receiver.url())
        for _ in range(3):
            running.end_a_call()
        await receiver.wait_count(1)
        with locked(database_url), pytest.raises(StorageUnavailable):
            await running.events.update(subscription.id, lambda x: replace(x, enabled=False))
        receiver.mood = fine
        done = await until_finished(running, subscription)
        assert [x.state for x in done] == [DeliveryState.DELIVERED] * 3


async def test_given_an_app_that_may_not_hear_any_more_when_calls_end_then_it_does_not(
    events_in_process: OpenEventsInProcess, receiver: Receiver
) -> None:
    receiver.mood = refusing(503)
    async with events_in_process() as running:
        subscription = await running.subscribe(receiver.url())
        running.end_a_call()
        await until_attempted(running, subscription, 1)
        running.rights.without.add(subscription.client_id)
        running.events.check_rights()
        receiver.mood = fine
        await asyncio.sleep(_TIME_FOR_ANOTHER_S)  # it would have come
        before = len(receiver.received)
        running.end_a_call()
        await asyncio.sleep(_TIME_FOR_ANOTHER_S)  # it would have come
        assert len(receiver.received) == before
        assert len(await running.deliveries(subscription)) == 1
        running.rights.without.clear()
        running.events.check_rights()
        [waited] = await until_finished(running, subscription)
        assert waited.state is DeliveryState.DELIVERED


async def test_given_a_suspension_during_an_attempt_when_it_ends_then_the_event_is_not_lost(
    events_in_process: OpenEventsInProcess, receiver: Receiver
) -> None:
    answer = asyncio.Event()

    async with events_in_process(events_timeout_s=30) as running:
        subscription = await running.subscribe(receiver.url())
        running.end_a_call()
        [sent] = await until_finished(running, subscription)
        receiver.mood = waiting_for(answer, 503)
        running.end_a_call()
        await receiver.wait_count(2)
        await running.events.send_again(subscription, sent.id)  # waits behind the one under way
        running.rights.without.add(subscription.client_id)
        running.events.check_rights()
        answer.set()
        await asyncio.sleep(_TIME_FOR_ANOTHER_S)  # it would have come
        receiver.mood = fine
        running.rights.without.clear()
        running.events.check_rights()
        done = await until_finished(running, subscription)
        assert [x.state for x in done] == [DeliveryState.DELIVERED] * 2
        assert [x.sequence for x in receiver.received] == [1, 2, 1, 2]


async def test_given_an_event_written_while_suspended_when_resumed_then_it_is_delivered(
    database_url: str, events_in_process: OpenEventsInProcess, receiver: Receiver
) -> None:
    async with events_in_process() as running:
        subscription = await running.subscribe(receiver.url())
        running.end_a_call()
        await until_finished(running, subscription)
        running.end_a_call()  # its row is not on disk yet
        running.rights.without.add(subscription.client_id)
        running.events.check_rights()
        assert len(await running.deliveries(subscription)) == 2
        running.rights.without.clear()
        running.events.check_rights()
        await receiver.wait_count(2)


async def test_given_a_retry_that_waits_for_a_connection_when_disabled_then_it_is_not_sent_later(
    events_in_process: OpenEventsInProcess, receiver: Receiver
) -> None:
    free = asyncio.Event()

    async with events_in_process(events_connections_per_host_max=1, events_timeout_s=30) as running:
        subscription = await running.subscribe(receiver.url("/once"))
        running.end_a_call()
        [sent] = await until_finished(running, subscription)
        receiver.moods["/busy"] = waiting_for(free)
        await running.subscribe(receiver.url("/busy"), extension=OTHER)
        running.end_a_call(OTHER)
        await receiver.wait_count(1, "/busy")
        await running.events.send_again(subscription, sent.id)
        await asyncio.sleep(0.1)  # its worker waits for the one connection
        await running.events.update(subscription.id, lambda x: replace(x, enabled=False))
        free.set()
        await asyncio.sleep(_TIME_FOR_ANOTHER_S)  # it would have come
        await running.events.update(subscription.id, lambda x: replace(x, enabled=True))
        running.end_a_call()
        await receiver.wait_count(2, "/once")
        await asyncio.sleep(_TIME_FOR_ANOTHER_S)  # it would have come
        assert [x.sequence for x in receiver.at("/once")] == [1, 2]


async def test_given_a_database_that_cannot_be_read_for_long_when_it_can_then_all_is_delivered(
    events_in_process: OpenEventsInProcess, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = 1_200
    waiting = EventDeliveryStore.waiting

    async def fails_at_first(*args: Any) -> list[Delivery]:
        nonlocal failures
        failures -= 1
        if failures > 0:
            raise StorageUnavailable("away")
        return await waiting(*args)

    monkeypatch.setattr(EventDeliveryStore, "waiting", fails_at_first)
    monkeypatch.setattr(delivery_worker, "DATABASE_RETRY_S", 0.0)
    async with events_in_process() as running:
        await running.subscribe(receiver.url())
        running.end_a_call()
        await receiver.wait_count(1, time_limit_s=30)
