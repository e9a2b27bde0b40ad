"""The protocol between transfers by the API and the PBX; it contains no AMI."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from bridge.calls.steering.pbx_steering import PbxNeeds

NOBODY = ""
"""Instead of a uniqueid: end no channel."""


class TargetKind(Enum):
    """The kinds of targets: the phone of an extension, a public number, a service of the PBX."""

    PHONE = "phone"
    PUBLIC = "public"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class PbxTransfer:
    """One transfer. `number`, `dial`: of the target; `back_number`, `back_dial`: of who transfers.

    Each of them rings for at most `wait_s` seconds. `local_only`: no forward of the target may lead
    to a public number. `stays_local`: from now on no phone may transfer the party to one.
    """

    number: str
    dial: str
    kind: TargetKind
    wait_s: int
    local_only: bool
    stays_local: bool
    back_number: str
    back_dial: str


@dataclass(frozen=True, slots=True)
class TransferStage:
    """How far the PBX is. `back`: the target has not answered, for the Q.850 `cause`."""

    back: bool
    cause: int = 0


class PbxTransfers(PbxNeeds, Protocol):
    """Sends a party that talks to somebody else. The methods raise as PbxNeeds says."""

    async def neighbour(self, uniqueid: str) -> str | None:
        """As PbxNeighbours.neighbour."""

    async def transfer(self, kept: str, leaving: str, order: PbxTransfer) -> None:
        """These two channels talk, or were taken apart. `leaving` is ended, and `kept` goes to the
        target. If nobody answers there, it goes back to who transfers. `leaving` is NOBODY where
        `kept` still calls: that dial ends."""

    async def stage(self, kept: str) -> TransferStage | None:
        """How far the transfer of this channel is; None if the channel is gone."""

    async def concluded(self, kept: str) -> None:
        """The target has the party: nothing of the transfer counts any more."""

    async def no_room_in(self, mailbox: str) -> str:
        """Why this mailbox takes no message, for a person; empty: it takes one."""

    async def to_mailbox(self, kept: str, leaving: str, mailbox: str) -> None:
        """The same two channels. `leaving` is ended, and `kept` leaves a message."""
