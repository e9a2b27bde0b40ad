"""One receiver, and events in the process of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ..in_process import EventsInProcess, OpenEventsInProcess
from ..receiver import Receiver


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def running(events_in_process: OpenEventsInProcess) -> AsyncIterator[EventsInProcess]:
    async with events_in_process() as running:
        yield running
