"""The table of docs/phone-call-events.md, each row with real phones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.webhook_receiver import Receiver

from .all_events import AllEvents
from .conftest import EXTENSIONS
from .situation import CALLED, CALLER, Stage
from .situations_api import OF_THE_API
from .situations_phones import OF_PHONES

pytestmark = pytest.mark.asyncio(loop_scope="session")

SITUATIONS = {**OF_THE_API, **OF_PHONES}


@pytest_asyncio.fixture(loop_scope="session")
async def events(api: ApiClient, receiver: Receiver) -> AsyncIterator[AllEvents]:
    events = AllEvents(api, receiver, EXTENSIONS)
    await events.subscribe()
    yield events


@pytest.mark.parametrize("name", SITUATIONS)
async def test_given_all_subscriptions_when_call_is_over_then_each_was_told_what_the_table_says(
    lab: RunningLab, api: ApiClient, events: AllEvents, name: str
) -> None:
    situation, expected = SITUATIONS[name]
    async with AsyncExitStack() as stack:
        call_id = await situation(Stage(lab, api, stack))
        await api.wait_ended(call_id, 20)
        assert await events.told(call_id) == expected


async def test_given_attended_transfer_when_both_calls_are_over_then_each_of_them_was_told_of(
    lab: RunningLab, api: ApiClient, events: AllEvents
) -> None:
    async with AsyncExitStack() as stack:
        stage = Stage(lab, api, stack)
        alice, bob = await stage.phone("210"), await stage.phone("211")
        carol = await stage.phone("212")
        call_id = await stage.dialled(alice, "211")
        await alice.wait_established()
        first = bob.current
        assert first is not None
        second = await bob.dial("212")
        await carol.wait_established()
        consultation_id = await stage.new_call({call_id} | await stage.ended_calls())
        await bob.attended_transfer(first, second)
        await api.wait_ended(consultation_id)
        await alice.hangup()
        await api.wait_ended(call_id)
    # Carol was dialled in the second call: its hang-up comes at the end of the talk.
    assert await events.told(consultation_id) == {"211": CALLER, "212": CALLED}
    assert await events.told(call_id) == {"210": CALLER, "211": CALLED}
