"""Once more means once, and nothing goes to where the subscription no longer wants it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from aiohttp import web

from bridge.phone_call_events.delivery import DeliveryState
from tests.storage.test_database_down import locked

from ..in_process import OpenEventsInProcess
from ..receiver import Receiver, refusing
from .attempts import until_finished

_TIME_FOR_ANOTHER_S = 0.5


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
        await asyncio.sleep(_TIME_FOR_ANOTHER_S)
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
    async with events_in_process() as running:
        subscription = await running.subscribe(receiver.url())
        with contextlib.ExitStack() as stack:

            async def gone(request: web.Request) -> web.StreamResponse:
                stack.enter_context(locked(database_url))
                return await refusing(410)(request)

            receiver.mood = gone
            running.end_a_call()
            running.end_a_call()
            await receiver.wait_count(1)
            await _until(lambda: bool(running.queue.problem))
        await _until(lambda: not running.events.of_extension(subscription.extension)[0].enabled)
    assert len(receiver.received) == 1


@pytest.mark.parametrize("change", ["deleted", "moved"])
async def test_given_a_busy_host_when_a_subscription_changes_then_its_old_url_gets_nothing(
    events_in_process: OpenEventsInProcess, receiver: Receiver, change: str
) -> None:
    free = asyncio.Event()

    async def busy(_: web.Request) -> web.StreamResponse:
        await free.wait()
        return web.Response()

    async with events_in_process(events_connections_per_host_max=1, events_timeout_s=30) as running:
        receiver.moods["/busy"] = busy
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
        await asyncio.sleep(_TIME_FOR_ANOTHER_S)
        assert receiver.at("/old") == []


async def _until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not reached():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)
