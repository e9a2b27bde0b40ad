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


AGENTS_CONTEXT = "queue-agents"
"""Of the shipped dialplan: rings all phones of an extension."""


def member_of(phone: Extension, status: AgentStatus = AgentStatus.ONLINE) -> QueueMember:
    """The member that the queue rings for this phone while it is online.

    Asterisk dials one phone of an endpoint; several phones ring through a Local channel.
    """
    interface = phone.endpoint
    if phone.rings_several and phone.provisioned:
        interface = f"Local/{phone.number}@{AGENTS_CONTEXT}/n"
    return QueueMember(
        interface,
        phone.endpoint,
        paused=status is not AgentStatus.ONLINE,
        fixed=False,
        available=True,
        logged_out=status is AgentStatus.LOGGED_OUT,
    )


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
