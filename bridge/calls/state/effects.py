"""The effects of a change of a call on the rest of the system.

The transition function returns these; storage, webhooks, recording and the PBX act on them.
"""

from __future__ import annotations

from enum import Enum

from bridge.calls.state.event_dataclass import frozen
from bridge.calls.state.phone_call import FinalRecord, Leg, PhoneCall


class LegStep(Enum):
    """The steps of a leg that observers hear of."""

    DIALLED = "dialled"
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"


@frozen
class LegProgressed:
    """A party was dialled, rings, answered or is gone. `leg` is the party after the change."""

    at_ms: int
    step: LegStep
    leg: Leg


@frozen
class DigitPressed:
    """A party sent a DTMF digit; the call stays as it is."""

    at_ms: int
    leg: Leg
    digit: str


@frozen
class CallConnected:
    """Source and destination hear each other for the first time."""

    at_ms: int


@frozen
class CallEnded:
    """The call has its final record."""

    final: FinalRecord


@frozen
class HangUpChannel:
    """A channel appeared in a marked call; it must be hung up at once."""

    uniqueid: str


@frozen
class AskChannel:
    """The PBX itself has this channel now, and no event tells more. The PBX must be asked."""

    uniqueid: str


@frozen
class UninvitedPhone:
    """A channel appeared that no party of the call announced; it must be hung up at once."""

    uniqueid: str
    endpoint: str


@frozen
class CallTransferred:
    """A phone handed the call on. `leg` is the party that did and is leaving."""

    at_ms: int
    leg: Leg | None
    target: str
    attended: bool


Effect = (
    LegProgressed
    | DigitPressed
    | CallConnected
    | CallEnded
    | HangUpChannel
    | AskChannel
    | UninvitedPhone
    | CallTransferred
)

Result = tuple[PhoneCall, list[Effect]]
"""A call after a change, and the effects of that."""
