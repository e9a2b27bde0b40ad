"""A PBX that keeps queues in memory, and a store of the status that apps gave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bridge.calls.pbx import PbxUnavailable
from bridge.queues.agent import AgentStatus
from bridge.queues.queue_pbx import QueueMember, QueueRefused, QueueState
from bridge.queues.store.agent_store import AgentStore

_Members = list[QueueMember]


class FakeQueuePbx:
    """`down`: nothing can be asked. `refuses`: why no member is changed. `deaf`: changes are taken,
    and nothing becomes of them."""

    def __init__(self, **queues: QueueState) -> None:
        self.queues = queues
        self.diary: list[str] = []
        self.down = False
        self.refuses = ""
        self.deaf = False

    def interfaces(self, queue: str) -> list[str]:
        return [x.interface for x in self.queues[queue].members]

    async def state(self, queue: str) -> QueueState | None:
        if self.down:
            raise PbxUnavailable("the link to the PBX is down")
        return self.queues.get(queue)

    async def add(self, queue: str, member: QueueMember, name: str) -> None:
        self._change(queue, f"add {member.interface}", lambda x: [*x, member])

    async def remove(self, queue: str, interface: str) -> None:
        self._change(
            queue, f"remove {interface}", lambda x: [y for y in x if y.interface != interface]
        )

    async def pause(
        self, queue: str, interface: str, *, paused: bool, logged_out: bool = False
    ) -> None:
        def changed(members: _Members) -> _Members:
            return [
                replace(x, paused=paused, logged_out=logged_out) if x.interface == interface else x
                for x in members
            ]

        words = "logged out" if logged_out else "paused" if paused else "online"
        self._change(queue, f"{interface} {words}", changed)

    async def reload(self) -> None:
        if self.down:
            raise PbxUnavailable("the link to the PBX is down")
        self.diary.append("reload")

    def _change(self, queue: str, what: str, change: Callable[[_Members], _Members]) -> None:
        if self.refuses:
            raise QueueRefused(self.refuses)
        self.diary.append(what)
        if not self.deaf:
            state = self.queues[queue]
            self.queues[queue] = replace(state, members=tuple(change(list(state.members))))


class FakeAgentStore(AgentStore):
    """The status of each agent, by queue."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, AgentStatus]] = {}

    async def save(self, queue: str, agent: str, status: AgentStatus) -> None:
        self.kept.setdefault(queue, {})[agent] = status

    async def statuses(self, queue: str) -> dict[str, AgentStatus]:
        return dict(self.kept.get(queue, {}))
