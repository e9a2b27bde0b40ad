"""An agent of a queue, as the UnifiedAPI has it (docs/reference/uapi.md §8)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from bridge.directory.model import Extension
from bridge.queues.queue_pbx import QueueMember


class AgentStatus(IntEnum):
    """The status of an agent in the UnifiedAPI."""

    LOGGED_OUT = 0
    ONLINE = 1
    PAUSED = 2


@dataclass(frozen=True, slots=True)
class Agent:
    """`number`: extended. `member`: as the PBX has it; None while it is logged out."""

    number: str
    member: QueueMember | None

    @property
    def status(self) -> AgentStatus:
        """The status in its queue; whether the phone can be reached does not count."""
        if self.member is None or self.member.logged_out:
            return AgentStatus.LOGGED_OUT
        return AgentStatus.PAUSED if self.member.paused else AgentStatus.ONLINE


_HINT = "hint:"
AGENTS_CONTEXT = "queue-agents"
"""Of the shipped dialplan: rings all phones of an extension, and has a hint of their state."""


def member_of(phone: Extension, status: AgentStatus = AgentStatus.ONLINE) -> QueueMember:
    """The member that the queue rings for this phone while it is online.

    Asterisk dials one phone of an endpoint; several phones ring through a Local channel. Browsers
    have an endpoint of their own, so a hint of the dialplan tells of both.
    """
    interface = state_interface = phone.endpoint
    if phone.rings_several and phone.provisioned:
        interface = f"Local/{phone.number}@{AGENTS_CONTEXT}/n"
        if phone.webrtc:
            state_interface = f"{_HINT}{phone.number}@{AGENTS_CONTEXT}"
    return QueueMember(
        interface,
        state_interface,
        paused=status is not AgentStatus.ONLINE,
        fixed=False,
        available=True,
        logged_out=status is AgentStatus.LOGGED_OUT,
    )


def is_dialled_otherwise(member: QueueMember, phone: Extension) -> bool:
    """Whether the phone has been given another dial string, or a hint, since it was logged in."""
    wanted = member_of(phone)
    return member.interface != wanted.interface or _has_hint(member) != _has_hint(wanted)


def _has_hint(member: QueueMember) -> bool:
    return member.state_interface.startswith(_HINT)


def is_member(member: QueueMember, phone: Extension) -> bool:
    """Whether this member of a queue is that phone, however the queue dials it.

    A member of somebody's own queue may be `Local/211@from-queue/n`.
    """
    if phone.endpoint in (member.interface, member.state_interface):
        return True
    technology, _, resource = member.interface.partition("/")
    if technology.lower() != "local":
        return False
    return resource.partition("@")[0] in (phone.number, phone.short)
