"""One entry in the timeline of a call, and the timeline as it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import Enum

import orjson
from pydantic import TypeAdapter, ValidationError

from bridge.calls.state.event_dataclass import frozen


class EntryType(Enum):
    """The kinds of entries, by their names in the API (docs/timeline.md)."""

    ACCEPTED = "accepted"
    DIAL = "dial"
    RINGING = "ringing"
    ANSWERED = "answered"
    CONNECTED = "connected"
    TAKEN = "taken"
    HOLD = "hold"
    UNHOLD = "unhold"
    PARKED = "parked"
    PARKING_ENDED = "parkingEnded"
    TRANSFER = "transfer"
    TRANSFER_UNDONE = "transferUndone"
    PICKED_UP = "pickedUp"
    JOINED = "joined"
    SPLIT = "split"
    LISTENING = "listening"
    LISTENING_ENDED = "listeningEnded"
    RECORDING_STARTED = "recordingStarted"
    RECORDING_STOPPED = "recordingStopped"
    DIGITS_SENT = "digitsSent"
    HANGUP_ASKED = "hangupAsked"
    HANGUP = "hangup"
    ENDED = "ended"
    RESUMED = "resumed"


_KINDS = {x: orjson.dumps(x.value) for x in EntryType}
Fact = str | int | bool


@frozen
class TimelineEntry:
    """`at_ms`: of the clock of the PBX where it tells of it, else ours; in ms since the epoch.

    `facts`: by their names in the API. `view` names a party of the call, whose number is not
    repeated.
    """

    at_ms: int
    type: EntryType
    facts: dict[str, Fact]


@frozen
class Timeline:
    """The entries in the order in which the service heard of them. `left_out`: how many are missing
    in the middle, because there were too many. `sip_call_ids`: the Call-ID of SIP of each channel,
    by its Uniqueid, as far as it is known."""

    entries: Sequence[TimelineEntry] = ()
    left_out: int = 0
    sip_call_ids: dict[str, str] = field(default_factory=dict)


_adapter: TypeAdapter[Timeline] = TypeAdapter(Timeline)


class UnreadableTimeline(ValueError):
    """The text is not a timeline of this version."""


def entry_to_text(entry: TimelineEntry) -> bytes:
    """The entry as JSON."""
    # Put together here: nine of a call, and orjson takes longer for a class than for a dict.
    kind = _KINDS[entry.type]
    return b'{"at_ms":%d,"type":%b,"facts":%b}' % (entry.at_ms, kind, orjson.dumps(entry.facts))


def timeline_of_texts(entries: bytes, left_out: int, sip_call_ids: Mapping[str, str]) -> str:
    """The timeline as JSON; `entries`: the text of each, with a comma between them."""
    return (
        b'{"entries":[%b],"left_out":%d,"sip_call_ids":%b}'
        % (entries, left_out, orjson.dumps(sip_call_ids) if sip_call_ids else b"{}")
    ).decode()


def timeline_from_text(text: str) -> Timeline:
    """The stored timeline. Raises UnreadableTimeline."""
    try:
        return _adapter.validate_json(text)
    except ValidationError:
        raise UnreadableTimeline from None
