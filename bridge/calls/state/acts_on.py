"""The purpose of a call that acts on another call instead of calling a number.

The phone of `sendCallTo` rings. Once it answers, the PBX does the action (docs/actions.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class CallAction(Enum):
    """The actions that ring the phone of `sendCallTo`, by their names in the API."""

    MONITOR = "Monitor"
    WHISPER = "Whisper"
    PRIVATE_WHISPER = "private Whisper"
    BARGE_IN = "BargeIn"
    PICK_UP = "PickUp"
    UN_PARK = "UnPark"

    @property
    def listens(self) -> bool:
        """Whether the call goes on beside the other one. PickUp and UnPark join it instead."""
        return self not in (CallAction.PICK_UP, CallAction.UN_PARK)


@dataclass(frozen=True, slots=True)
class ActsOn:
    """`call_id` is the other call, `view_id` the view of its party that is meant, `channel` the
    uniqueid of that party's channel. `too_late`: when the phone answered, the PBX could not act any
    more. Of UnPark: `parking_space`, where the party waits, and `parked_channel`, the uniqueid of
    the channel there: its own, or half a Local channel that leads to it."""

    action: CallAction
    call_id: str
    view_id: str
    channel: str
    parking_space: str = ""
    parked_channel: str = ""
    too_late: bool = False
