"""Plays stories live, and records them."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from bridge.local_asterisk.installation import Installation
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.recorded_calls.recorded_events import RecordedEvent, read_recording
from bridge.testing.webhook_receiver import Receiver

from .events import OfficeEvents
from .live_stage import LiveStage
from .open_office import Office, open_office
from .recorded_stage import RecordedStage
from .replayed_stage import CURRENT
from .stage import Story

_STORY_LIMIT_S = 40
# They tell of registrations and of each other, not of calls.
_NOT_OF_CALLS = {"PeerStatus", "ContactStatus", "FullyBooted"}


class OpenedOffice:
    """With an app that is told of everything."""

    def __init__(self, office: Office, api: ApiClient, events: OfficeEvents) -> None:
        self.office = office
        self.api = api
        self.events = events

    async def play(self, story: Story) -> None:
        """Live; raises AssertionError where anything is not right."""
        stage = LiveStage(self.office, self.api, self.events)
        try:
            async with asyncio.timeout(_STORY_LIMIT_S):
                await story(stage)
        finally:
            await stage.close()

    async def record(self, story: Story, lines: Path, into: Path) -> None:
        """`lines`: where the service writes its events."""
        begin = sum(1 for _ in read_recording(lines)) if lines.exists() else 0
        stage = RecordedStage(self.office, self.api, self.events, lines)
        stage.says(inspect.cleandoc(story.__doc__ or "").replace("\n", " "))
        try:
            async with asyncio.timeout(_STORY_LIMIT_S):
                await story(stage)
            seen = list(read_recording(lines))[begin:]
        finally:
            await stage.close()
        events = [x for x in seen if x.headers.get("Event") not in _NOT_OF_CALLS]
        into.write_text("".join(_line(x) for x in _told_first(events)), encoding="utf-8")


@asynccontextmanager
async def opened_office(
    folder: Path,
    settings: Mapping[str, str] | None = None,
    installation: Installation | None = None,
    *,
    all_events: bool = False,
) -> AsyncIterator[OpenedOffice]:
    office = await open_office(folder, settings, installation, all_events=all_events)
    try:
        async with office.bridge.client() as api, Receiver() as receiver:
            events = OfficeEvents(receiver)
            await events.subscribe(api, list(CURRENT.directory.extensions))
            yield OpenedOffice(office, api, events)
    finally:
        await office.close()


async def record_stories(
    stories: Mapping[str, Story], into: Path, folder: Path, installation: Installation | None
) -> list[str]:
    """One after the other; returns those that could not be recorded."""
    lines = folder / "events.jsonl"
    failed = []
    settings = {"record_pbx_events_to": str(lines)}
    async with opened_office(folder / "office", settings, installation, all_events=True) as opened:
        for name, story in stories.items():
            try:
                await opened.record(story, lines, into / f"{name}.jsonl")
                print(f"{name}: recorded", flush=True)  # noqa: T201
            except Exception as why:
                failed.append(name)
                print(f"{name}: FAILED {why!r}", flush=True)  # noqa: T201
    return failed


def _told_first(events: list[RecordedEvent]) -> list[RecordedEvent]:
    """A call is created before its first event, but its id is known only after the answer."""
    for created in [x for x in events if "PublishedMs" in x.headers]:
        events.remove(created)
        call_id = created.headers["CallId"]
        first = next(
            (i for i, x in enumerate(events) if call_id in x.headers.values()), len(events)
        )
        events.insert(first, created)
    return events


def _line(event: RecordedEvent) -> str:
    line = {"received_ms": event.received_ms, "headers": event.headers}
    return json.dumps(line, ensure_ascii=False) + "\n"
