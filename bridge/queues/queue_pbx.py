"""The protocol between queues and the PBX; it contains no AMI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class QueuesNotPossible(Exception):
    """The PBX lacks a right, a module or the queue. `str()` names it and says where it belongs."""


class QueueRefused(Exception):
    """The PBX did not change an agent. Nothing happened. `str()` is the reason."""


@dataclass(frozen=True, slots=True)
class QueueMember:
    """An agent as the PBX has it.

    `interface` is what the queue dials (`PJSIP/0003*211`), `state_interface` the phone whose state
    counts, or a hint (`hint:0003*215@queue-agents`). `fixed`: it is written in a file of the PBX,
    and cannot be removed. `available`: its phone can be reached. `logged_out`: it is paused, and
    counts as logged out.
    """

    interface: str
    state_interface: str
    paused: bool
    fixed: bool
    available: bool
    logged_out: bool = False


@dataclass(frozen=True, slots=True)
class WaitingCaller:
    """A caller in a queue. `position` begins with 1, `uniqueid` is of its channel."""

    position: int
    uniqueid: str
    caller_number: str
    caller_name: str
    waits_s: int


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue as it is now; the callers are in their order. `strategy`: the word of the PBX."""

    strategy: str
    members: tuple[QueueMember, ...]
    callers: tuple[WaitingCaller, ...]


class QueuePbx(Protocol):
    """The queues of one PBX.

    Every method raises PbxUnavailable, PbxOutcomeUnknown, InvalidPbxValue and QueuesNotPossible.
    """

    async def state(self, queue: str) -> QueueState | None:
        """The queue with that name; None if there is none."""

    async def add(self, queue: str, member: QueueMember, name: str) -> None:
        """Let the member have calls of the queue, unless it is paused. Raises QueueRefused."""

    async def remove(self, queue: str, interface: str) -> None:
        """The member gets no further calls of the queue. Raises QueueRefused."""

    async def pause(
        self, queue: str, interface: str, *, paused: bool, logged_out: bool = False
    ) -> None:
        """Pause the member, or end its pause. Raises QueueRefused.

        `logged_out`: a paused member counts as logged out, and keeps its place in the queue.
        """

    async def reload(self) -> None:
        """Read the files of queues again. Raises QueueRefused."""
