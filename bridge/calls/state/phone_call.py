"""A PhoneCall and its parties, as one immutable value.

The words are those of the UnifiedAPI (PhoneCall, view, disposition) and of Asterisk (channel,
Linkedid, hangup cause). All moments are wall clock milliseconds since the epoch.
Values that every event changes are for bridge/calls/state/fast_replace.py. Their slots take a
quarter of the memory of a dictionary, and a live call has five of them.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from bridge.calls.state.acts_on import ActsOn
from bridge.calls.state.event_dataclass import frozen
from bridge.calls.state.pbx_events import ChannelState, DialStatus
from bridge.directory.caller_ids import CallerId


class Origin(Enum):
    """The kind of party that started the call."""

    API = "api"
    PHONE = "phone"
    TRUNK = "trunk"


class Flow(IntEnum):
    """`flow` of a PhoneCallView (docs/reference/uapi.md §2)."""

    LOCAL = 2
    OUTGOING = 4
    INCOMING = 8


class Disposition(IntEnum):
    """`disposition` of an ended call (docs/reference/uapi.md §2)."""

    ANSWERED = 0
    BUSY = 1
    FAILED = 2
    NO_ANSWER = 3
    UNKNOWN = 4
    NOT_ALLOWED = 5


class EndedBy(Enum):
    """The party or rule that ended the call."""

    SOURCE = "source"
    DESTINATION = "destination"
    API = "api"
    DURATION_LIMIT = "duration limit"
    AGE_LIMIT = "age limit"
    PICKUP_TIMEOUT = "pickup timeout"
    TRANSFER_RULE = "transfer rule"
    OTHER_CALL = "other call"
    PBX = "pbx"
    UNKNOWN = "unknown"


class Side(Enum):
    """The two sides of a call."""

    SOURCE = "source"
    DESTINATION = "destination"


class LegPhase(IntEnum):
    """How far a party has come; it only ever grows."""

    WAITING = 0  # not dialled yet
    TRYING = 1
    RINGING = 2
    UP = 3
    GONE = 4


@dataclass(frozen=True, slots=True)
class ApiHold:
    """A hold that the API ordered. `held`: the uniqueid of the channel that hears music;
    `waiting`: that of the channel it talked to before, the holder's own or one that leads to it."""

    since_ms: int
    held: str
    waiting: str


@dataclass(frozen=True, slots=True)
class Parking:
    """A party in a parking lot. `place`: its number there, empty if the PBX does not say; `by`: the
    extension that has parked it; `channel`: the uniqueid of the channel in the lot, its own or half
    a Local channel that leads to it. `returns`: its time there is over, and nobody has talked to it
    since: the PBX rings who parked it."""

    since_ms: int
    place: str
    by: str | None
    channel: str
    returns: bool = False


@frozen
class Leg:
    """One party of a call: a PhoneCallView is made of it.

    `number` is the extended extension number or the public number, `spelled` as the client wrote
    it, empty where no client did; `extension` is set for parties of the directory only. `calls_in`:
    the party's phone called the PBX, instead of being called by it. `other_devices`: the channels
    of its further phones while they ring; `uniqueid` is the one that answers. `took_over`: it was
    called, and is the source since the party that called it has handed the call over.
    `forwarded_from`: the extension whose forward in the directory brought the call here.
    `members`: of a conference that parties have come into: uniqueids of their channels. It has no
    channel of its own.
    `behind`: the half of a Local channel that was dialled in its place. While that lives, a public
    number that has not answered may be dialled once more, through another carrier.
    `shown_caller_id`: what its phone was shown as it was dialled, without a number where that is
    withheld; None where that was not heard.
    `told_as`: the id of the call that its first events were told of, where that has joined this one
    since; `told_answer`: its answer was told of that too. `moved`: it is a party of the call that
    this one has joined, or that has gone out of this one. `handed_over`: it has handed the call
    over and is out of it, whether its channel is gone or not; `parking`: it waits in a parking lot,
    or has just come back from one.
    `on_hold_ms`: since when its phone holds the others; `api_hold`: it holds them by the API.
    `found`: its channel was found in a list of the PBX, and its dial has not been heard of.
    `muted`: the other members of its conference do not hear it.
    `ended_unasked`: its phone rang and was hung up with a reason, and had not given one itself.
    `refused`: what one of its phones has said while another still rang.
    """

    view_id: str
    side: Side
    number: str
    spelled: str
    dial: str = ""
    extension: str | None = None
    calls_in: bool = False
    uniqueid: str | None = None
    other_devices: tuple[str, ...] = ()
    phase: LegPhase = LegPhase.WAITING
    ringing_ms: int | None = None
    answered_ms: int | None = None
    ended_ms: int | None = None
    on_hold_ms: int | None = None
    dial_status: DialStatus | None = None
    cause: int | None = None
    sip_code: int | None = None
    forwarded_from: str | None = None
    forwards: bool = False  # its phone wanted somebody else to be dialled, which was refused
    took_over: bool = False
    shown_caller_id: CallerId | None = None
    told_as: str | None = None
    told_answer: bool = False
    called_first: bool = False  # it called, in the call that has joined this one
    moved: bool = False
    handed_over: bool = False
    parking: Parking | None = None
    behind: str | None = None
    found: bool = False
    members: tuple[str, ...] = ()
    api_hold: ApiHold | None = None
    ended_unasked: bool = False
    muted: bool = False
    refused: DialStatus | None = None

    @property
    def calls(self) -> bool:
        """Whether it calls rather than being called, as its phone and its user see it."""
        return self.called_first or (self.side is Side.SOURCE and not self.took_over)

    @property
    def parked(self) -> bool:
        """Whether it waits in a parking lot."""
        return self.parking is not None and not self.parking.returns


@frozen
class CallChannel:
    """A live channel of the call on the PBX. `uninvited`: nobody in the call announced it.

    `local`: the channel's name where it is half a Local channel, else empty.
    `asked_to_go`: its phone or network ends it, or the channel that dials it has gone.
    `dialled_by`: the uniqueid of the channel that dials it. `dial_ended`: of a half, the PBX has
    said how that dial ended.
    """

    uniqueid: str
    endpoint: str
    state: ChannelState
    appeared_ms: int
    uninvited: bool = False
    local: str = ""
    dialled_by: str | None = None
    dial_ended: bool = False
    asked_to_go: bool = False


@dataclass(frozen=True, slots=True)
class HangUpMark:
    """The call must end: every channel of it that appears from now on is hung up.

    `confirmed`: the PBX has ended the channel on which all others depend. Events that come now are
    late events of channels that end too. The sweep ends a channel that stays.
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


@frozen
class PhoneCall:
    """`id` is the `ChannelId` of the Originate for calls of the API, derived from PBX name and
    Linkedid for all others. `extension` is the one that pays, `extension_spelled` as requested.
    `dialled` holds the digits a phone or the trunk dialled, or a phone transferred the call to.
    `client_id` is the app that created the call, `recording` what it ordered about recording, None
    where it left that to the extensions; `recording_order` what an app has ordered since.
    `metadata`: an object of the app's own, as JSON. `status_url`: it hears each state of the call.
    `local_transfers_only`: its phones must not connect it with a public number.
    `allow_public_transfer`: what its app wished: whether two public numbers may be connected.
    `taken_ms`: when the PBX itself answered the caller, after nobody who was dialled had.
    `mailbox`: the extension whose mailbox that was, or the name of a mailbox without one.
    `originated`: an AMI client of somebody else, the console or a call file began it by an
    Originate, which rings the source first; `application`: what that runs instead of dialling;
    `went_out`: whom the source calls has been told.
    `rang_out`: whether the time to ring was over, where our part of the dialplan says that.
    `recorded_since_ms`: when its recording began, `recording_id` the id of that for the Verba API;
    `being_recorded`: it has not been stopped since.
    `joined`: the ids of the calls that have become one with this one.
    `split_off`: the ids of the calls that have gone out of this one, `split_from`: that of the call
    that this one has gone out of; `shared_linkedids`: the Linkedids that the PBX gives to channels
    of all of them.
    `acts_on`: the call that it listens to, picks up or fetches, instead of calling a number.
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
    metadata: str | None = None
    status_url: str | None = None
    caller_id: CallerId | None = None
    destination_caller_id: CallerId | None = None
    dialled: str = ""
    duration_s: int | None = None
    recording: bool | None = None
    recording_order: bool | None = None
    local_transfers_only: bool = False
    allow_public_transfer: bool = True
    legs: tuple[Leg, ...] = ()
    channels: dict[str, CallChannel] = field(default_factory=dict)
    ringing_ms: int | None = None
    answered_ms: int | None = None
    taken_ms: int | None = None
    mailbox: str | None = None
    originate_reason: int | None = None
    hang_up: HangUpMark | None = None
    first_to_hang_up: Side | None = None
    final: FinalRecord | None = None
    called_service: str | None = None  # the queue, IVR or conference that was dialled: no party
    left_service: bool = False  # by a transfer, or moved by others
    left_unnamed: bool = False  # for nobody knows which number: `dialled` is still the service's
    through_ivr: bool = False  # the service is an IVR, which is left for whomever it dials
    queue_exten: str | None = None  # where in the dialplan app_queue rings agents for the source
    all_devices: bool = False  # a party may have several phones: each is dialled by its address
    originated: bool = False
    application: str = ""
    went_out: bool = False
    rang_out: bool | None = None
    recorded_since_ms: int | None = None
    recording_id: str | None = None
    being_recorded: bool = False
    joined: tuple[str, ...] = ()
    split_off: tuple[str, ...] = ()
    split_from: str | None = None
    shared_linkedids: tuple[str, ...] = ()
    acts_on: ActsOn | None = None

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
        """Every extension this call concerns: who pays, who is a party, what was dialled,
        whose mailbox has it."""
        found = {leg.extension for leg in self.legs if leg.extension is not None}
        if self.extension is not None:
            found.add(self.extension)
        if self.called_service is not None:
            found.add(self.called_service)
        if self.mailbox is not None:
            found.add(self.mailbox)
        return frozenset(found)


def new_call_id(at_ms: int) -> str:
    """20 lowercase hex characters (docs/reference/uapi.md §2).

    The length is fixed, because Asterisk compares the beginning of ids (docs/reference/asterisk.md
    §3).

    Half of it is the moment, half is random. Calls of one time lie together in the indexes of the
    database, so that a transaction writes one page of each for all of them.
    """
    return f"{at_ms % 16**10:010x}{secrets.token_hex(5)}"


def further_call_id(first: str, number: int) -> str:
    """The id of another call that one request places with the call `first`; `number` from 1 on.

    The first id leads to the others.
    """
    digest = hashlib.sha256(f"{first}\0{number}".encode()).hexdigest()
    return f"{first[:10]}{digest[:10]}"


def derived_call_id(pbx: str, linkedid: str) -> str:
    """The id of a call that the API did not create: the same after every restart."""
    return hashlib.sha256(f"{pbx}\0{linkedid}".encode()).hexdigest()[:20]


def fork_channel_id(call_id: str) -> str:
    """Uniqueid of the Local channel's second half, which rings several sources."""
    return f"{call_id};2"
