"""A story read from its recording: the events go into a CallTracker, nothing else happens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bridge.calls.directory_parties import DirectoryParties
from bridge.calls.live.change import Change
from bridge.calls.live.tracker import CallTracker
from bridge.calls.state.call_views import has_party, is_call_of
from bridge.calls.state.phone_call import EndedBy, Flow, Leg, Origin, PhoneCall, Side
from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.loader import CurrentDirectory
from bridge.directory.ownership import SELF
from bridge.http.uapi.phone_call_json import phone_call_json
from bridge.http.uapi.scope import Scope
from bridge.pbx.ami.event_decode import decode_event
from bridge.phone_call_events.call_events import events_of
from bridge.phone_call_events.directory_numbers import DirectoryNumbers
from bridge.phone_call_events.event_parameters import EventForm, event_parameters
from bridge.testing.recorded_calls.recorded_events import RecordedEvent, read_recording

from .events import Told
from .open_office import DIRECTORY
from .stage import TRUNK_CALLER, Phone
from .telling import (
    KINDS,
    ORGANIZATION,
    of_extensions,
    short,
    told_events,
    told_live,
    told_record,
)

CURRENT = CurrentDirectory(DIRECTORY, ThrowawaySecrets())
PARTIES = DirectoryParties(CURRENT)
_NUMBERS = DirectoryNumbers(CURRENT)
_APP = CURRENT.directory.apps["user-12"]
_USER = CURRENT.directory.users[12]
_EXTENSIONS = CURRENT.directory.extensions_of(_USER)
_LATER_MS = 1 << 62
_SCOPE = Scope(_APP, _USER, _EXTENSIONS, SELF)


class RecordedPhone:
    """A phone of a recording, which has done everything already."""

    def __init__(self, number: str) -> None:
        self.number = number

    async def _did(self, *_: object, **__: object) -> None:
        """Nothing is left to do."""

    dials = is_answered = rings = picks_up = refuses = hangs_up = hangs_up_first = is_free = _did
    presses = transfers_to = connects_both = takes_over = holds = resumes = _did

    def refuses_all(self, status: int = 486) -> None: ...

    def answers_all(self, after_s: float = 0.0) -> None: ...


class ReplayedStage:
    """`failing`: it raises AssertionError at the first difference; else `differing` has them all,
    as what is right and what is seen."""

    def __init__(self, recording: Path, *, failing: bool = True) -> None:
        self.tracker = CallTracker("pbx1", PARTIES)
        self._lines: Iterator[RecordedEvent] = iter(list(read_recording(recording)))
        self._ended: dict[str, PhoneCall] = {}
        self._told: list[Told] = []
        self.differing: list[tuple[str, str]] = []
        self._failing = failing

    def phone(self, number: str) -> Phone:
        return RecordedPhone(number)

    async def posts(self, source: list[str], destination: list[str], **query: str) -> str:
        told = self._until("PublishedMs")
        call = _accepted(told)
        self.tracker.add(call)
        return call.id

    async def deletes(self, *, call_id: str = "", extension: str = "", number: str = "") -> None:
        line = self._until("Deleted")
        meant = [
            x
            for x in self.tracker.live
            if (not call_id or x.id == call_id)
            and (not extension or is_call_of(x, f"{ORGANIZATION}{extension}"))
            and (not number or has_party(x, number, {f"{ORGANIZATION}{number}"}))
        ]
        self._compare("DELETE means", [f"{len(meant)} calls"], ["1 calls"])
        for call in meant:
            self.tracker.mark_hang_up(call.id, EndedBy.API, line.received_ms)

    async def calls_in(
        self, number: str, caller: str = TRUNK_CALLER, presses: str = ""
    ) -> None: ...

    async def caller_hangs_up(self) -> None: ...

    async def has_refused(self, number: str) -> None: ...

    async def crm(self, action: str, **fields: str) -> None: ...

    async def passes(self, seconds: float) -> None: ...

    async def sees(self, when: str, *calls: str) -> None:
        self._until("Text", f"seen: {when}")
        now = [
            told_live(phone_call_json(x, _SCOPE, {}, ""))
            for x in self.tracker.live
            if x.user_id == _USER.id or any(is_call_of(x, y.number) for y in _EXTENSIONS)
        ]
        self._compare(when, sorted(now), sorted(calls))

    async def taken_by(self, when: str, by: str) -> None:
        self._until("Text", f"seen: {when}")
        now = [phone_call_json(x, _SCOPE, {}, "") for x in self.tracker.live]
        self._compare(when, sorted({str(x.get("takenBy", "")) for x in now}), [by])

    async def told_of(self, extension: str, kind: str, **parameters: str) -> None:
        events = [x for x in self._told if (short(x[0]), KINDS[x[1]]) == (extension, kind)]
        found = [str({y: x[2][y] for y in parameters}) for x in events]
        self._compare(f"{extension} {kind}", found, [str(parameters)])

    async def ends(self, *records: str, **told: str) -> None:
        for line in self._lines:
            self._take(line)
        for change in self.tracker.apply_due(_LATER_MS):
            self._note(change)
        self._compare("calls at the end", [str(x) for x in self.tracker.live], [])
        ended = [phone_call_json(x, _SCOPE, {}, "") for x in self._ended.values()]
        self._compare("records", sorted(told_record(x) for x in ended), sorted(records))
        found = [f"{x}: {y}" for x, y in told_events(self._told).items()]
        wanted = [f"{x}: {y}" for x, y in of_extensions(told).items()]
        self._compare("events", sorted(found), sorted(wanted))

    def _until(self, header: str, value: str | None = None) -> RecordedEvent:
        """Play on to the line of a story that has this header (with this value)."""
        for line in self._lines:
            told = line.headers
            if told["Event"] == "Story":
                for change in self.tracker.apply_due(line.received_ms):
                    self._note(change)
                if header in told and value in (None, told[header]):
                    return line
            self._take(line)
        raise AssertionError(f"the recording has no {header} {value or ''}: record it anew")

    def _take(self, line: RecordedEvent) -> None:
        if line.headers["Event"] == "Story":
            return
        event = decode_event(line.headers, line.received_ms)
        if event is not None:
            for change in self.tracker.event(event):
                self._note(change)

    def _note(self, change: Change) -> None:
        call = change.after
        if call.final is not None:
            assert call.id not in self._ended, "a call ended twice"
            self._ended[call.id] = call
        for event in events_of(change, {x.number for x in _EXTENSIONS}):
            told = event_parameters(event, call, _NUMBERS, EventForm())
            self._told.append((event.extension, event.type.value, told))

    def _compare(self, what: str, found: list[str], wanted: list[str]) -> None:
        if found == wanted:
            return
        assert not self._failing, f"{what}: {found}, not {wanted}"
        self.differing.append((f"{what}: {_listed(wanted)}", _listed(found)))


def _listed(lines: list[str]) -> str:
    return "; ".join(f"`{x}`" for x in lines) or "nothing"


def _accepted(told: RecordedEvent) -> PhoneCall:
    """The call as CallPlacement made it."""
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
        extension=f"{ORGANIZATION}210",
        extension_spelled=f"{ORGANIZATION}210",
        user_id=_USER.id,
        organization="0003",
        client_id=_APP.client_id,
        duration_s=7200,
        legs=tuple(_leg(index, *party) for index, party in enumerate(parties)),
    )


def _leg(index: int, side: Side, number: str) -> Leg:
    known = CURRENT.directory.extensions.get(number)
    dial = known.dial if known else f"Local/{number}@outbound"
    extension = known.number if known else None
    return Leg(f"{index:02d}", side, number, number, dial, extension)
