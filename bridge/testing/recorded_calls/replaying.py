"""Recorded stories, played into a CallTracker; what it says, as lines a human can read."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from bridge.calls.directory_parties import DirectoryParties
from bridge.calls.live.change import Change
from bridge.calls.live.tracker import CallTracker
from bridge.calls.state.call_views import views_of
from bridge.calls.state.effects import (
    AskChannel,
    CallConnected,
    CallEnded,
    CallTransferred,
    Effect,
    HangUpChannel,
    LegProgressed,
    UninvitedPhone,
)
from bridge.calls.state.pbx_events import PbxEvent
from bridge.calls.state.phone_call import EndedBy, FinalRecord, Flow, Leg, Origin, PhoneCall, Side
from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.pbx.ami.event_decode import decode_event

from .recorded_events import RecordedEvent, read_recording
from .replayed_actions import acting_call, dial_of, end_overtaken, transferred


@functools.cache
def recorded(story: str) -> tuple[RecordedEvent, ...]:
    return tuple(read_recording(Path(f"{story}.jsonl")))


def directory_file(story: str) -> Path:
    """The directory of the PBX of a story: `STORY.yaml`, or `directory.yaml` for a whole folder,
    or the shipped example."""
    file = Path(story)
    beside = (file.with_name(f"{file.name}.yaml"), file.with_name("directory.yaml"))
    return next((x for x in beside if x.exists()), EXAMPLE_FILE)


@functools.cache
def directory_of(story: str) -> CurrentDirectory:
    return _directory(directory_file(story))


@functools.cache
def _directory(file: Path) -> CurrentDirectory:
    return CurrentDirectory(file, ThrowawaySecrets())


def tracker_of(story: str) -> CallTracker:
    """A tracker without calls, for the PBX of a story."""
    return CallTracker("pbx1", DirectoryParties(directory_of(story)))


def typed(lines: Iterable[RecordedEvent]) -> list[PbxEvent]:
    events = (decode_event(x.headers, x.received_ms) for x in lines)
    return [x for x in events if x is not None]


def accepted_call(told: RecordedEvent, current: CurrentDirectory) -> PhoneCall:
    """The call as CallPlacement made it, from the line that tells of its creation."""
    headers, extensions = told.headers, current.directory.extensions
    parties = [(Side.SOURCE, x) for x in headers["Sources"].split()]
    parties += [(Side.DESTINATION, x) for x in headers["Destinations"].split()]
    return PhoneCall(
        id=headers["CallId"],
        pbx="pbx1",
        linkedid=headers["CallId"],
        origin=Origin.API,
        flow=Flow.OUTGOING if any("*" not in x for _, x in parties) else Flow.LOCAL,
        published_ms=int(headers["PublishedMs"]),
        extension="0003*210",
        extension_spelled="0003*210",
        user_id=12,
        organization="0003",
        client_id="user-12",
        duration_s=int(headers["DurationS"]),
        legs=tuple(
            Leg(
                view_id=f"{index:02d}",
                side=side,
                number=number,
                spelled=number,
                dial=dial_of(number, current.directory),
                extension=number if number in extensions else None,
            )
            for index, (side, number) in enumerate(parties)
        ),
    )


@dataclass
class Replay:
    """One story. `said` grows with it; calls are `api`, `call 1`, `call 2` … in their order."""

    story: str
    every_event_twice: bool = False
    said: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    finals: dict[str, FinalRecord] = field(default_factory=dict)
    ended: dict[str, PhoneCall] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tracker = tracker_of(self.story)
        self._names: dict[str, str] = {}
        self._lines: Iterator[RecordedEvent] = iter(recorded(self.story))

    def run(self) -> Self:
        """To the end, where nothing may live any more."""
        for line in self._lines:
            self.take(line)
        self.pass_time()
        assert len(self.tracker.live) == 0
        return self

    def until(self, text: str) -> Self:
        """To the moment just before somebody does this (a part of the story's text)."""
        for line in self._lines:
            if text in line.headers.get("Text", ""):
                self.take(line)
                return self
            self.take(line)
        raise AssertionError(f"nobody does {text!r} in {self.story}")

    def take(self, line: RecordedEvent) -> list[Change]:
        """The changes that this line of the recording makes."""
        if line.headers["Event"] == "Story":
            told = self.pass_time()  # people do nothing within the time for which news is held
            self._do(line)
            return told
        end_overtaken(line, self.tracker)
        event = decode_event(line.headers, line.received_ms)
        changes = []
        if event is not None:
            for _ in range(2 if self.every_event_twice else 1):
                changes += self.tracker.event(event)
        self._note(changes)
        return changes

    def pass_time(self) -> list[Change]:
        """Until no news is held any more; what it changed."""
        held = [uniqueid for call in self.tracker.live for uniqueid in call.channels]
        changes = [change for x in held for change in self.tracker.apply_held(x)]
        self._note(changes)
        return changes

    def _do(self, line: RecordedEvent) -> None:
        if "PublishedMs" in line.headers:
            call = accepted_call(line, directory_of(self.story))
            self._names[call.id] = "api"
            self.tracker.add(call)
        elif line.headers.get("ActionOfApp") == "Transfer":
            self._note(transferred(line, self.tracker, directory_of(self.story).directory))
        elif "ActionOfApp" in line.headers:
            acting = acting_call(line, self.tracker, directory_of(self.story).directory)
            if acting is not None:
                self._names[acting.id] = line.headers["ActionOfApp"]
                self.tracker.add(acting)
        elif "CallId" in line.headers:
            self.tracker.mark_hang_up(line.headers["CallId"], EndedBy.API, line.received_ms)

    def name(self, call_id: str) -> str:
        number = sum(1 for x in self._names.values() if x.startswith("call ")) + 1
        return self._names.setdefault(call_id, f"call {number}")

    def call(self, name: str) -> PhoneCall:
        """A live call."""
        return next(x for x in self.tracker.live if self.name(x.id) == name)

    def views(self) -> dict[str, list[str]]:
        """The views of every live call: `00 0003*210 ON_CALL`."""
        return {
            self.name(call.id): [
                f"{x.leg.view_id} {x.leg.number} {x.status.name}" for x in views_of(call)
            ]
            for call in self.tracker.live
        }

    def parties(self, name: str = "api") -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Source and destination as every view of a live call lists them."""
        view = views_of(self.call(name))[0]
        return view.sources, view.destinations

    def end_of(self, name: str) -> str:
        """The final record of a call, without its moment."""
        call_id = next(x for x, known in self._names.items() if known == name)
        return self._told(self.finals[call_id])

    def _note(self, changes: list[Change]) -> None:
        self.changes += changes
        for change in changes:
            self.said += self.said_of(change)
            if change.after.final is not None:
                assert change.after.id not in self.finals, "a call ended twice"
                self.finals[change.after.id] = change.after.final
                self.ended[change.after.id] = change.after

    def said_of(self, change: Change) -> list[str]:
        """The effects of a change, as lines."""
        name = self.name(change.after.id)
        told = [x for x in change.effects if not isinstance(x, AskChannel)]
        return [f"{name}: {self._effect(x)}" for x in told]

    def _effect(self, effect: Effect) -> str:
        if isinstance(effect, LegProgressed):
            return f"{effect.leg.view_id} {effect.leg.number} {effect.step.value}"
        if isinstance(effect, CallConnected):
            return "connected"
        if isinstance(effect, CallEnded):
            return f"ended: {self._told(effect.final)}"
        if isinstance(effect, CallTransferred):
            who = effect.leg.number if effect.leg else "?"
            return f"{'attended' if effect.attended else 'blind'} transfer by {who}"
        if isinstance(effect, UninvitedPhone):
            return "hang up an uninvited phone"
        assert isinstance(effect, HangUpChannel)
        return "hang up a channel"

    def _told(self, final: FinalRecord) -> str:
        reason = final.reason
        for call_id, name in self._names.items():
            reason = reason.replace(call_id, name)
        sip = f", SIP {final.sip_code}" if final.sip_code else ""
        return f"{final.disposition.name} by {final.by.value}: {reason}, cause {final.cause}{sip}"
