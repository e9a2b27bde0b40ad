"""What the PBX tells us, in our own types.

`bridge.pbx` decodes AMI into these; `bridge.calls.transition` consumes them.
Every moment is `at_ms`: wall clock of the PBX, milliseconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum


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


@dataclass(frozen=True, slots=True)
class ChannelSnapshot:
    """One channel of the PBX as it is now.

    `name` is Asterisk's channel name (`PJSIP/0003*210-0000001a`), `endpoint` the same without its
    serial (`PJSIP/0003*210`). `bridge_id` is empty when the channel is in no bridge.
    """

    uniqueid: str
    linkedid: str
    name: str
    endpoint: str
    state: ChannelState
    caller_number: str = ""
    caller_name: str = ""
    connected_number: str = ""
    connected_name: str = ""
    context: str = ""
    exten: str = ""
    account: str = ""
    bridge_id: str = ""


@dataclass(frozen=True, slots=True)
class PbxEvent:
    at_ms: int


@dataclass(frozen=True, slots=True)
class ChannelEvent(PbxEvent):
    """An event of one channel. `linkedid` is the one the channel has at that moment."""

    uniqueid: str
    linkedid: str


@dataclass(frozen=True, slots=True)
class ChannelAppeared(ChannelEvent):
    channel: ChannelSnapshot


@dataclass(frozen=True, slots=True)
class ChannelStateChanged(ChannelEvent):
    state: ChannelState
    connected_number: str = ""
    connected_name: str = ""


@dataclass(frozen=True, slots=True)
class DialBegun(PbxEvent):
    """`caller` is the uniqueid of the dialling channel, None for the dial of an originate.

    `dial_string` is what was dialled without the technology: `0003*211`, `3235742879@trunk`.
    """

    caller: str | None
    dialled: ChannelSnapshot
    dial_string: str


@dataclass(frozen=True, slots=True)
class DialEnded(PbxEvent):
    caller: str | None
    dialled_uniqueid: str
    linkedid: str
    status: DialStatus


@dataclass(frozen=True, slots=True)
class OriginateEnded(PbxEvent):
    """The source picked up, or never will.

    `reason` is Asterisk's: 0 failed, 1 hung up, 3 rang without answer, 4 answered, 5 busy,
    8 congestion.
    """

    call_id: str
    succeeded: bool
    reason: int


@dataclass(frozen=True, slots=True)
class BridgeEntered(ChannelEvent):
    bridge_id: str


@dataclass(frozen=True, slots=True)
class BridgeLeft(ChannelEvent):
    bridge_id: str


@dataclass(frozen=True, slots=True)
class HangupRequested(ChannelEvent):
    """The far end of this channel hung up: it is the one who ended the call."""

    cause: int


@dataclass(frozen=True, slots=True)
class ChannelHungUp(ChannelEvent):
    """`cause` is the Q.850 hangup cause, `sip_code` the SIP status where the PBX gives it."""

    cause: int
    sip_code: int | None = None


@dataclass(frozen=True, slots=True)
class HoldBegun(ChannelEvent):
    pass


@dataclass(frozen=True, slots=True)
class HoldEnded(ChannelEvent):
    pass


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class PhoneReachability(PbxEvent):
    """An endpoint (`PJSIP/0003*210`) can be reached from now on, or no longer."""

    endpoint: str
    reachable: bool


@dataclass(frozen=True, slots=True)
class PbxSnapshot:
    """Every channel that lives on the PBX at `at_ms`, taken after each (re)connect."""

    at_ms: int
    channels: tuple[ChannelSnapshot, ...]
