"""Record the stories anew on a real Asterisk: `python -m tests.event_streams.record [STORY …]`."""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from bridge.local_asterisk.installation import Installation, installation_on_path
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.recorded_calls.recorded_events import RecordedEvent, read_recording
from bridge.testing.softphones.toolchain import ensure_phone_tools
from tests.office.playing import record_stories
from tests.office.stage import Story as OfficeStory
from tests.office.stories import of_version
from tests.office.stories import stories as office_stories
from tests.pbx.old_asterisk.conftest import asterisk_16

from . import stories_actions, stories_api, stories_phones
from .stage import Stage

RECORDINGS = Path(__file__).parent / "recordings"
Story = Callable[[Stage], Awaitable[None]]

# They tell of registrations, not of calls.
_NOT_OF_CALLS = {"PeerStatus", "ContactStatus", "FullyBooted"}
_QUIET_S = 0.5
_END_LIMIT_S = 20


def stories() -> dict[str, Story]:
    """Every story by its name."""
    return {
        name: value
        for module in (stories_actions, stories_api, stories_phones)
        for name, value in vars(module).items()
        if inspect.iscoroutinefunction(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    }


async def record(chosen: dict[str, Story], into: Path) -> list[str]:
    """Play the stories one after the other; returns those that failed."""
    ensure_phone_tools()
    failed = []
    with tempfile.TemporaryDirectory(prefix="event-streams-") as folder:
        lines = Path(folder) / "events.jsonl"
        settings = {
            "record_pbx_events_to": str(lines),
            "refuse_unreachable_sources": "false",
            "destination_wait_s": "2",
        }
        lab = await open_lab(Path(folder), settings)
        try:
            for name, story in chosen.items():
                try:
                    await _play(story, lab, lines, into / f"{name}.jsonl")
                    print(f"{name}: recorded", flush=True)  # noqa: T201
                except Exception as why:
                    failed.append(name)
                    print(f"{name}: FAILED {why!r}", flush=True)  # noqa: T201
        finally:
            await lab.close()
    return failed


async def _play(story: Story, lab: RunningLab, lines: Path, target: Path) -> None:
    begin = sum(1 for _ in read_recording(lines)) if lines.exists() else 0
    async with lab.client() as api:
        stage = Stage(lab, api, lines)
        try:
            async with asyncio.timeout(60):
                await story(stage)
            events = await _all_ended(lines, begin)
        finally:
            await stage.close()
            await api.hang_up()
    target.write_text("".join(_line(x) for x in _told_first(events)), encoding="utf-8")


async def _all_ended(lines: Path, begin: int) -> list[RecordedEvent]:
    """The events of calls since `begin`, once no channel lives any more and nothing comes."""
    deadline = time.monotonic() + _END_LIMIT_S
    seen: list[RecordedEvent] = []
    quiet_since = time.monotonic()
    while True:
        events = [
            x
            for x in list(read_recording(lines))[begin:]
            if x.headers.get("Event") not in _NOT_OF_CALLS
        ]
        if len(events) != len(seen):
            seen, quiet_since = events, time.monotonic()
        names = [x.headers["Event"] for x in seen]
        over = names.count("Newchannel") == names.count("Hangup") and len(names) > 1
        if over and time.monotonic() - quiet_since > _QUIET_S:
            return seen
        if time.monotonic() > deadline:
            raise TimeoutError(f"calls do not end: {names}")
        await asyncio.sleep(0.1)  # until Asterisk has been quiet for long enough


def _told_first(events: list[RecordedEvent]) -> list[RecordedEvent]:
    """The creation of a call before its first event: its id is known only after the answer.

    A call that acts on another one is created when that one is there already.
    """
    created = [x for x in events if "PublishedMs" in x.headers]
    acting = {x.headers["CallId"]: x for x in events if "OtherCallId" in x.headers}
    told = created.copy()
    for event in events:
        first = acting.pop(event.headers.get("Uniqueid", ""), None)
        told += [first] if first is not None else []
        if event not in created and "OtherCallId" not in event.headers:
            told.append(event)
    return told


def _line(event: RecordedEvent) -> str:
    line = {"received_ms": event.received_ms, "headers": event.headers}
    return json.dumps(line, ensure_ascii=False) + "\n"


async def record_office(
    chosen: Mapping[str, OfficeStory], into: Path, other: Installation | None
) -> list[str]:
    """The same for stories of the office (tests/office); `other`: an Asterisk of another version,
    which the names of the recordings tell."""
    if not chosen:
        return []
    with tempfile.TemporaryDirectory(prefix="event-streams-") as folder:
        major = other.version.partition(".")[0] if other is not None else ""
        named = {of_version(x, major) if major else x: story for x, story in chosen.items()}
        return await record_stories(named, into, Path(folder), other)


def main() -> None:
    known, of_office = stories(), office_stories()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "story",
        nargs="*",
        choices=[*known, *of_office, []],
        help="default: all but those of the office",
    )
    parser.add_argument("--into", type=Path, default=RECORDINGS)
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--old", action="store_true", help="the office's Asterisk is 16")
    other.add_argument("--on-path", action="store_true", help="it is the `asterisk` on PATH")
    chosen = parser.parse_args()
    names = chosen.story or list(known)
    failed = asyncio.run(_record_all(names, chosen))
    if failed:
        raise SystemExit(f"not recorded: {', '.join(failed)}")


async def _record_all(names: list[str], chosen: argparse.Namespace) -> list[str]:
    into: Path = chosen.into
    known, of_office = stories(), office_stories()
    failed = []
    if shipped := {x: known[x] for x in names if x in known}:
        failed += await record(shipped, into)
    office = {x: of_office[x] for x in names if x in of_office}
    other = await asterisk_16() if chosen.old else None
    other = await installation_on_path() if chosen.on_path else other
    return failed + await record_office(office, into / "office", other)


if __name__ == "__main__":
    main()
