"""The events of the PBX, in our own types.

`bridge.pbx` decodes AMI into these; `bridge.calls.state.transition` consumes them.
Every moment is `at_ms`: wall clock of the PBX, milliseconds since the epoch.
"""

from __future__ import annotations

from enum import Enum, IntEnum

from bridge.calls.state.event_dataclass import frozen


class ChannelState(IntEnum):
    """Asterisk's channel states that a call goes through (include/asterisk/channelstate.h)."""

    DOWN = 0
    RESERVED = 1
    OFF_HOOK = 2
    DIALING = 3
    RING = 4  # the channel called us: its phone hears ring-back
    RINGING = 5  # we called the channel: its phone rings
    UP = 6
    BUSY = 7
    OTHER = 99


class DialStatus(Enum):
    """How one dial ended (DialStatus of Asterisk's DialEnd)."""

    ANSWER = "ANSWER"
    BUSY = "BUSY"
    NOANSWER = "NOANSWER"
    CANCEL = "CANCEL"
    CONGESTION = "CONGESTION"
    CHANUNAVAIL = "CHANUNAVAIL"
    OTHER = "OTHER"


@frozen
class ChannelSnapshot:
    """One channel of the PBX as it is now.

    `name` is Asterisk's channel name (`PJSIP/0003*210-0000001a`), `endpoint` the same without its
    serial (`PJSIP/0003*210`). `mailbox`: the extension whose mailbox the caller on it talks to.
    `context`: the context of `exten`; `bridge`: the id of the bridge that it is in. Of these two
    the list of channels tells, and no event.
    """

    uniqueid: str
    linkedid: str
    name: str
    endpoint: str
    state: ChannelState
    caller_number: str = ""
    caller_name: str = ""
    exten: str = ""
    mailbox: str = ""
    context: str = ""
    bridge: str = ""


@frozen
class PbxEvent:
    """An event of the PBX; `at_ms` is its moment in ms, by the clock of the PBX."""

    at_ms: int


@frozen
class ChannelEvent(PbxEvent):
    """An event of one channel. `linkedid` is the one the channel has at that moment."""

    uniqueid: str
    linkedid: str


@frozen
class ChannelAppeared(ChannelEvent):
    """The PBX has made a channel."""

    channel: ChannelSnapshot


@frozen
class ChannelStateChanged(ChannelEvent):
    """A channel is ringing, up, or in another state."""

    state: ChannelState


@frozen
class DialBegun(PbxEvent):
    """`caller` is the uniqueid of the dialling channel, None for the dial of an originate.

    `dial_string` is what was dialled without the technology: `0003*211`, `3235742879@trunk`.
    `forwarded_from`: the extension whose forward in the directory this dial carries out, else "".
    `caller_number`, `caller_name`: the caller id of the dialling channel, which the dialled phone
    shows. A dialplan may have changed it since the channel appeared. `caller_exten`: the extension
    of the dialplan at which that channel is. `by_queue`: app_queue rings an agent.
    """

    caller: str | None
    dialled: ChannelSnapshot
    dial_string: str
    forwarded_from: str = ""
    caller_number: str = ""
    caller_name: str = ""
    caller_exten: str = ""
    by_queue: bool = False


@frozen
class DialProgressed(PbxEvent):
    """The dialled side sends audio before it answers (183): its caller hears it ring, or an
    announcement. Most carriers do that instead of a plain 180."""

    dialled_uniqueid: str
    linkedid: str


@frozen
class DialEnded(PbxEvent):
    """`forwards`: the phone wanted the PBX to dial somebody else instead (302). `caller_exten`: the
    extension of the dialplan at which the dialling channel is, or goes on."""

    caller: str | None
    dialled_uniqueid: str
    linkedid: str
    status: DialStatus
    forwards: bool = False
    caller_exten: str = ""


@frozen
class OriginateEnded(PbxEvent):
    """The source picked up, or never will.

    `reason` is Asterisk's: 0 failed, 1 hung up, 3 rang without answer, 4 answered, 5 busy,
    8 congestion. `exten`, `application`: where the source goes on once it has picked up.
    `dialled`: the dial string (`PJSIP/210`) of one that failed. `call_id` is empty if that was an
    Originate of somebody else.
    """

    call_id: str
    succeeded: bool
    reason: int
    exten: str = ""
    application: str = ""
    dialled: str = ""


@frozen
class HangupRequested(ChannelEvent):
    """The far end of this channel hung up: it is the one who ended the call."""

    cause: int


@frozen
class ChannelHungUp(ChannelEvent):
    """`cause` is the Q.850 hangup cause, `sip_code` the SIP status where the PBX gives it.

    `rang_out`: whether the time to ring was over for whom the channel dialled, as our part of the
    dialplan says; None in any other part.
    """

    cause: int
    sip_code: int | None = None
    rang_out: bool | None = None


@frozen
class ChannelBridged(ChannelEvent):
    """The channel talks to the others of this bridge (its id on the PBX) from now on."""

    state: ChannelState
    bridge: str


@frozen
class ChannelParked(ChannelEvent):
    """The channel waits in a parking lot; whoever dials `slot` has it.

    `parker`: the endpoint that the PBX rings if nobody does, empty where it does not say.
    """

    slot: str
    parker: str = ""


@frozen
class ConferenceJoined(ChannelEvent):
    """The channel is in a conference from now on.

    `exten`: the extension of the dialplan that runs it, `conference`: its name there.
    """

    exten: str
    conference: str


@frozen
class ConferenceLeft(ChannelEvent):
    """The channel has left its conference: moved away, thrown out, or about to go.

    `exten`: the extension of the dialplan at which it goes on.
    """

    exten: str = ""


@frozen
class QueueLeft(ChannelEvent):
    """The channel does not wait in its queue any more. An agent has answered, its time is over, it
    was moved away, or it is about to go.

    `exten`: the extension of the dialplan at which it goes on.
    """

    exten: str


@frozen
class ChannelRuns(ChannelEvent):
    """The PBX was asked what the channel does: it runs that application of the dialplan.

    `data`: the arguments of the application; `exten`, `context`: where in the dialplan that is.
    """

    application: str
    data: str
    exten: str
    context: str


@frozen
class DigitHeard(ChannelEvent):
    """The phone of a channel sent a DTMF digit: one of `0-9*#A-D`."""

    digit: str


@frozen
class HoldBegun(ChannelEvent):
    """The phone of a channel put the other side on hold."""


@frozen
class HoldEnded(ChannelEvent):
    """The phone of a channel took the other side back from hold."""


@frozen
class Transferred(PbxEvent):
    """A phone transferred the call. `attended` tells a REFER with Replaces from a blind one.

    `transferee` is the uniqueid of the channel that goes on, empty where the PBX does not say;
    `target` the dialled extension of a blind transfer, or the uniqueid of the transferer's second
    channel, whose Linkedid is `target_linkedid`.
    """

    attended: bool
    transferer: str
    transferer_linkedid: str
    transferee: str
    target: str
    succeeded: bool
    target_linkedid: str = ""


@frozen
class MailboxReached(ChannelEvent):
    """The caller on the channel has come to the mailbox of that extension (`0003*210`)."""

    mailbox: str


@frozen
class MailboxChanged(PbxEvent):
    """The mailbox of that extension has other messages, or their state has changed."""

    mailbox: str


@frozen
class PhoneReachability(PbxEvent):
    """An endpoint (`PJSIP/0003*210`) can be reached from now on, or no longer."""

    endpoint: str
    reachable: bool


@frozen
class PhoneRegistered(PbxEvent):
    """A phone of this endpoint has registered, and is asked next whether it is there.

    `contact`: the SIP URI that it is reached by.
    """

    endpoint: str
    contact: str


@frozen
class PhoneUnregistered(PbxEvent):
    """A phone is no longer registered: it left, its time is over, or another took its place."""

    endpoint: str
    contact: str


@frozen
class PbxSnapshot:
    """Every channel that lives on the PBX at `at_ms`, taken after each (re)connect."""

    at_ms: int
    channels: tuple[ChannelSnapshot, ...]
