"""One receiver, and events in the process of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from bridge.testing.webhook_receiver import Receiver

from .in_process import EventsInProcess, OpenEventsInProcess


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def running(events_in_process: OpenEventsInProcess) -> AsyncIterator[EventsInProcess]:
    async with events_in_process() as running:
        yield running


@pytest.fixture
def events_in_process(tmp_path: Path, database_url: str) -> OpenEventsInProcess:
    """Takes settings; on both engines, and on the same database each time in one test."""
    return partial(EventsInProcess, tmp_path, database_url=database_url)
