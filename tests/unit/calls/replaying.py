"""Recorded stories, played into a CallTracker; what it says, as lines a human can read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bridge.calls.call_views import views_of
from bridge.calls.effects import (
    CallConnected,
    CallEnded,
    CallTransferred,
    Effect,
    HangUpChannel,
    LegChanged,
)
from bridge.calls.pbx_events import PbxEvent
from bridge.calls.phone_call import EndedBy, FinalRecord, Flow, Leg, Origin, PhoneCall, Side
from bridge.calls.tracker import CallTracker, Change
from bridge.pbx.event_decode import decode_event
from bridge.pbx.event_recording import RecordedEvent, read_recording

from .example_parties import PARTIES

RECORDINGS = Path(__file__).parents[2] / "event_streams" / "recordings"
STORIES = sorted(path.stem for path in RECORDINGS.glob("*.jsonl"))


def recorded(story: str) -> list[RecordedEvent]:
    return list(read_recording(RECORDINGS / f"{story}.jsonl"))


def typed(lines: list[RecordedEvent]) -> list[PbxEvent]:
    events = (decode_event(x.headers, x.received_ms) for x in lines)
    return [x for x in events if x is not None]


def accepted_call(told: RecordedEvent) -> PhoneCall:
    """The call as CallPlacement made it, from the line that tells of its creation."""
    headers = told.headers
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
                dial=_dial(number),
                extension=number if PARTIES.by_number(number) else None,
            )
            for index, (side, number) in enumerate(parties)
        ),
    )


def _dial(number: str) -> str:
    if "*" not in number:
        return f"PJSIP/{number}@trunk"
    if PARTIES.by_endpoint(f"PJSIP/{number}") is None:
        return f"Local/{number}@services/n"
    return f"PJSIP/{number}"


@dataclass
class Replay:
    """One story. `said` grows with it; calls are `api`, `call 1`, `call 2` … in their order."""

    story: str
    every_event_twice: bool = False
    tracker: CallTracker = field(default_factory=lambda: CallTracker("pbx1", PARTIES))
    said: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    finals: dict[str, FinalRecord] = field(default_factory=dict)
    ended: dict[str, PhoneCall] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._names: dict[str, str] = {}
        self._lines: Iterator[RecordedEvent] = iter(recorded(self.story))

    def run(self) -> Replay:
        """To the end, where nothing may live any more."""
        for line in self._lines:
            self.take(line)
        assert len(self.tracker.live) == 0
        return self

    def until(self, text: str) -> Replay:
        """To the moment just before somebody does this (a part of the story's text)."""
        for line in self._lines:
            if text in line.headers.get("Text", ""):
                self.take(line)
                return self
            self.take(line)
        raise AssertionError(f"nobody does {text!r} in {self.story}")

    def take(self, line: RecordedEvent) -> None:
        if line.headers["Event"] == "Story":
            self._do(line)
            return
        event = decode_event(line.headers, line.received_ms)
        if event is not None:
            for _ in range(2 if self.every_event_twice else 1):
                self._note(self.tracker.event(event))

    def _do(self, line: RecordedEvent) -> None:
        if "PublishedMs" in line.headers:
            call = accepted_call(line)
            self._names[call.id] = "api"
            self.tracker.add(call)
        elif "CallId" in line.headers:
            self.tracker.mark_hang_up(line.headers["CallId"], EndedBy.API, line.received_ms)

    def name(self, call_id: str) -> str:
        number = sum(1 for x in self._names.values() if x != "api") + 1
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
            name = self.name(change.after.id)
            self.said += [f"{name}: {self._effect(x)}" for x in change.effects]
            if change.after.final is not None:
                assert change.after.id not in self.finals, "a call ended twice"
                self.finals[change.after.id] = change.after.final
                self.ended[change.after.id] = change.after

    def _effect(self, effect: Effect) -> str:
        if isinstance(effect, LegChanged):
            return f"{effect.leg.view_id} {effect.leg.number} {effect.step.value}"
        if isinstance(effect, CallConnected):
            return "connected"
        if isinstance(effect, CallEnded):
            return f"ended: {self._told(effect.final)}"
        if isinstance(effect, CallTransferred):
            who = effect.leg.number if effect.leg else "?"
            return f"{'attended' if effect.attended else 'blind'} transfer by {who}"
        assert isinstance(effect, HangUpChannel)
        return "hang up a channel"

    def _told(self, final: FinalRecord) -> str:
        reason = final.reason
        for call_id, name in self._names.items():
            reason = reason.replace(call_id, name)
        sip = f", SIP {final.sip_code}" if final.sip_code else ""
        return f"{final.disposition.name} by {final.by.value}: {reason}, cause {final.cause}{sip}"
