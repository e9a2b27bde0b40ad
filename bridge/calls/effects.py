"""What a change of a call means to the rest of the system.

The transition function returns these; storage, webhooks, recording and the PBX act on them.
"""

from __future__ import annotations

from enum import Enum

from bridge.calls.frozen import frozen
from bridge.calls.phone_call import FinalRecord, Leg


class LegStep(Enum):
    DIALLED = "dialled"
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"


@frozen
class LegChanged:
    """A party was dialled, rings, answered or is gone. `leg` is the party after the change."""

    at_ms: int
    step: LegStep
    leg: Leg


@frozen
class CallConnected:
    """Source and destination hear each other for the first time."""

    at_ms: int


@frozen
class CallEnded:
    final: FinalRecord


@frozen
class HangUpChannel:
    """A channel appeared in a call that is to end: it must go at once."""

    uniqueid: str


@frozen
class CallTransferred:
    """A phone handed the call on. `leg` is the party that did and is leaving."""

    at_ms: int
    leg: Leg | None
    target: str
    attended: bool


Effect = LegChanged | CallConnected | CallEnded | HangUpChannel | CallTransferred
