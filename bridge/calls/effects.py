"""What a change of a call means to the rest of the system.

The transition function returns these; storage, webhooks, recording and the PBX act on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bridge.calls.phone_call import FinalRecord, Leg


class LegStep(Enum):
    DIALLED = "dialled"
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class LegChanged:
    """A party was dialled, rings, answered or is gone. `leg` is the party after the change."""

    at_ms: int
    step: LegStep
    leg: Leg


@dataclass(frozen=True, slots=True)
class CallConnected:
    """Source and destination hear each other for the first time."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class CallEnded:
    final: FinalRecord


@dataclass(frozen=True, slots=True)
class HangUpChannel:
    """A channel appeared in a call that is to end: it must go at once."""

    uniqueid: str


@dataclass(frozen=True, slots=True)
class CallTransferred:
    """A phone handed the call on. `leg` is the party that did and is leaving."""

    at_ms: int
    leg: Leg | None
    target: str
    attended: bool


Effect = LegChanged | CallConnected | CallEnded | HangUpChannel | CallTransferred
