"""What the PBX tells us, in our own types.

`bridge.pbx` decodes AMI into these; `bridge.calls.transition` consumes them.
Every moment is `at_ms`: wall clock of the PBX, milliseconds since the epoch.
"""

from __future__ import annotations

from enum import Enum, IntEnum

from bridge.calls.frozen import frozen


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
    serial (`PJSIP/0003*210`).
    """

    uniqueid: str
    linkedid: str
    name: str
    endpoint: str
    state: ChannelState
    caller_number: str = ""
    caller_name: str = ""
    exten: str = ""


@frozen
class PbxEvent:
    at_ms: int


@frozen
class ChannelEvent(PbxEvent):
    """An event of one channel. `linkedid` is the one the channel has at that moment."""

    uniqueid: str
    linkedid: str


@frozen
class ChannelAppeared(ChannelEvent):
    channel: ChannelSnapshot


@frozen
class ChannelStateChanged(ChannelEvent):
    state: ChannelState


@frozen
class DialBegun(PbxEvent):
    """`caller` is the uniqueid of the dialling channel, None for the dial of an originate.

    `dial_string` is what was dialled without the technology: `0003*211`, `3235742879@trunk`.
    """

    caller: str | None
    dialled: ChannelSnapshot
    dial_string: str


@frozen
class DialEnded(PbxEvent):
    caller: str | None
    dialled_uniqueid: str
    linkedid: str
    status: DialStatus


@frozen
class OriginateEnded(PbxEvent):
    """The source picked up, or never will.

    `reason` is Asterisk's: 0 failed, 1 hung up, 3 rang without answer, 4 answered, 5 busy,
    8 congestion.
    """

    call_id: str
    succeeded: bool
    reason: int


@frozen
class HangupRequested(ChannelEvent):
    """The far end of this channel hung up: it is the one who ended the call."""

    cause: int


@frozen
class ChannelHungUp(ChannelEvent):
    """`cause` is the Q.850 hangup cause, `sip_code` the SIP status where the PBX gives it."""

    cause: int
    sip_code: int | None = None


@frozen
class HoldBegun(ChannelEvent):
    pass


@frozen
class HoldEnded(ChannelEvent):
    pass


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
class PhoneReachability(PbxEvent):
    """An endpoint (`PJSIP/0003*210`) can be reached from now on, or no longer."""

    endpoint: str
    reachable: bool


@frozen
class PbxSnapshot:
    """Every channel that lives on the PBX at `at_ms`, taken after each (re)connect."""

    at_ms: int
    channels: tuple[ChannelSnapshot, ...]
