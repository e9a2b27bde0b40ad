"""A PhoneCall and its parties, as one immutable value.

The words are those of the UnifiedAPI (PhoneCall, view, disposition) and of Asterisk (channel,
Linkedid, hangup cause). All moments are wall clock milliseconds since the epoch.
Values that every event changes have no slots: see bridge/calls/replace.py.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from bridge.calls.pbx import CallerId
from bridge.calls.pbx_events import ChannelState, DialStatus


class Origin(Enum):
    """Who started the call."""

    API = "api"
    PHONE = "phone"
    TRUNK = "trunk"


class Flow(IntEnum):
    """`flow` of a PhoneCallView (uapi.md §2)."""

    LOCAL = 2
    OUTGOING = 4
    INCOMING = 8


class Disposition(IntEnum):
    """`disposition` of an ended call (uapi.md §2)."""

    ANSWERED = 0
    BUSY = 1
    FAILED = 2
    NO_ANSWER = 3
    UNKNOWN = 4
    NOT_ALLOWED = 5


class EndedBy(Enum):
    """Who or what ended the call."""

    SOURCE = "source"
    DESTINATION = "destination"
    API = "api"
    DURATION_LIMIT = "duration limit"
    AGE_LIMIT = "age limit"
    PICKUP_TIMEOUT = "pickup timeout"
    TRANSFER_RULE = "transfer rule"
    PBX = "pbx"
    UNKNOWN = "unknown"


class Side(Enum):
    SOURCE = "source"
    DESTINATION = "destination"


class LegPhase(IntEnum):
    """How far a party has come; it only ever grows."""

    WAITING = 0  # not dialled yet
    TRYING = 1
    RINGING = 2
    UP = 3
    GONE = 4


@dataclass(frozen=True)
class Leg:
    """One party of a call: a PhoneCallView is made of it.

    `number` is the extended extension number or the public number, `spelled` as the client wrote
    it; `extension` is set for parties of the directory only. `calls_in`: the party's phone called
    the PBX, instead of being called by it.
    """

    view_id: str
    side: Side
    number: str
    spelled: str
    dial: str = ""
    extension: str | None = None
    calls_in: bool = False
    uniqueid: str | None = None
    phase: LegPhase = LegPhase.WAITING
    ringing_ms: int | None = None
    answered_ms: int | None = None
    ended_ms: int | None = None
    on_hold_ms: int | None = None
    dial_status: DialStatus | None = None
    cause: int | None = None
    sip_code: int | None = None


@dataclass(frozen=True)
class CallChannel:
    """A live channel of the call on the PBX."""

    uniqueid: str
    endpoint: str
    state: ChannelState
    appeared_ms: int


@dataclass(frozen=True, slots=True)
class HangUpMark:
    """The call is to end: every channel of it that appears from now on is hung up.

    Unless that is `confirmed`: the PBX has ended the channel on which all others depend. What is
    heard of now is late news of channels that are going too; if not, the sweep ends them.
    """

    by: EndedBy
    at_ms: int
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class FinalRecord:
    """How the call ended. There is exactly one for a call.

    `not_before_ms` is set where the end was not seen: the call ended between it and `at_ms`.
    """

    at_ms: int
    disposition: Disposition
    by: EndedBy
    reason: str
    cause: int | None = None
    sip_code: int | None = None
    not_before_ms: int | None = None


@dataclass(frozen=True)
class PhoneCall:
    """`id` is the `ChannelId` of the Originate for calls of the API, derived from PBX name and
    Linkedid for all others. `extension` is the one that pays, `extension_spelled` as requested.
    `dialled` holds the digits a phone or the trunk dialled, or a phone transferred the call to.
    `client_id` is the app that created the call, `recording` what it ordered about recording, None
    where it left that to the extensions. `local_transfers_only`: its phones must not connect it
    with a public number.
    """

    id: str
    pbx: str
    linkedid: str
    origin: Origin
    flow: Flow
    published_ms: int
    extension: str | None = None
    extension_spelled: str = ""
    user_id: int | None = None
    organization: str | None = None
    client_id: str | None = None
    nonce: str | None = None
    caller_id: CallerId | None = None
    destination_caller_id: CallerId | None = None
    dialled: str = ""
    duration_s: int | None = None
    recording: bool | None = None
    local_transfers_only: bool = False
    legs: tuple[Leg, ...] = ()
    channels: dict[str, CallChannel] = field(default_factory=dict)
    ringing_ms: int | None = None
    answered_ms: int | None = None
    originate_reason: int | None = None
    hang_up: HangUpMark | None = None
    first_to_hang_up: Side | None = None
    final: FinalRecord | None = None
    called_service: str | None = None  # the queue, IVR or conference that was dialled: no party
    left_service: bool = False  # by a transfer

    @property
    def first_channel(self) -> str:
        """The uniqueid of the channel that the call began with, alive or not."""
        return self.id if self.origin is Origin.API else self.linkedid

    @property
    def forked(self) -> bool:
        """Whether a Local channel rings several sources at once."""
        return self.origin is Origin.API and sum(leg.side is Side.SOURCE for leg in self.legs) > 1

    @property
    def extensions(self) -> frozenset[str]:
        """Every extension this call concerns: who pays, who is a party, what was dialled."""
        found = {leg.extension for leg in self.legs if leg.extension is not None}
        if self.extension is not None:
            found.add(self.extension)
        if self.called_service is not None:
            found.add(self.called_service)
        return frozenset(found)


def new_call_id(at_ms: int) -> str:
    """20 lowercase hex characters, as in the specification; a fixed length, as Asterisk needs.

    Half of it is the moment, half is random: calls of one time lie together in the indexes of the
    database, so that a transaction writes one page of each for all of them.
    """
    return f"{at_ms % 16**10:010x}{secrets.token_hex(5)}"


def derived_call_id(pbx: str, linkedid: str) -> str:
    """The id of a call that the API did not create: the same after every restart."""
    return hashlib.sha256(f"{pbx}\0{linkedid}".encode()).hexdigest()[:20]


def fork_channel_id(call_id: str) -> str:
    """Uniqueid of the Local channel's second half, which rings several sources."""
    return f"{call_id};2"
