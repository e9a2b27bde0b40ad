"""The agents of a queue: who they are, and logging them in and out.

The PBX has the truth. The database has the status that an app gave an agent, so that it comes back
after a restart of the PBX that lost it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.directory.directory import Directory
from bridge.directory.loader import CurrentDirectory
from bridge.directory.model import Extension, ExtensionType, Queue, QueueStrategy
from bridge.keyed_locks import KeyedLocks
from bridge.queues.agent import Agent, AgentStatus, is_dialled_otherwise, is_member, member_of
from bridge.queues.queue_pbx import (
    QueueMember,
    QueuePbx,
    QueueRefused,
    QueuesNotPossible,
    QueueState,
)
from bridge.queues.store.agent_store import AgentStore


class NoSuchAgent(Exception):
    """The number names no agent of the queue."""


class QueueAgents:
    """Queues are extensions of the directory with `queue` set; agents are phones of it.

    Methods raise what QueuePbx raises, and StorageUnavailable. `changes`: how many times an app has
    given an agent a status.
    """

    def __init__(self, directory: CurrentDirectory, pbx: QueuePbx, store: AgentStore) -> None:
        self._directory = directory
        self._pbx = pbx
        self._store = store
        self._locks = KeyedLocks()
        self.changes = 0

    async def state(self, extension: Extension) -> QueueState:
        """The queue as the PBX has it now."""
        queue = _queue_of(extension)
        state = await self._pbx.state(queue.name)
        if state is None:
            raise QueuesNotPossible(
                f"Asterisk has no queue {queue.name}: its queues.conf needs [{queue.name}]"
            )
        return state

    async def agents(self, extension: Extension) -> list[Agent]:
        """All agents of the queue, logged in or not, in the order of the directory."""
        state = await self.state(extension)
        return self._agents(extension, state, await self._store.statuses(extension.number))

    async def set_status(self, extension: Extension, number: str, status: AgentStatus) -> Agent:
        """Give the agent that status; returns it as the PBX has it afterwards.

        Raises NoSuchAgent, QueueRefused.
        """
        async with self._locks.of(extension.number):
            agent = next((x for x in await self.agents(extension) if x.number == number), None)
            if agent is None:
                raise NoSuchAgent(number)
            await self._bring(extension, await self.state(extension), agent, status)
            self.changes += 1
            await self._store.save(extension.number, number, status)
            after = next((x for x in await self.agents(extension) if x.number == number), None)
        if after is None or after.status is not status:
            raise QueueRefused("Asterisk took the change, and shows another status")
        return after

    async def bring_in_line(self, extension: Extension, *, anew: bool = False) -> int:
        """Give the members of the directory their status, and remove members that are not in it.

        An agent whose status no app has set is logged in. Of a queue without `members` in the
        directory, only fixed members get the status that an app gave them: the PBX forgets it.
        `anew`: the agents are logged in anew, in the order of the directory. Returns how many
        agents were changed.
        """
        queue, changed = _queue_of(extension), 0
        async with self._locks.of(extension.number):
            state = await self.state(extension)
            stored = await self._store.statuses(extension.number)
            agents = self._agents(extension, state, stored)
            known = {x.member.interface for x in agents if x.member is not None}
            if anew or (_is_in_order(queue, state) and _has_gaps(agents)):
                known = set()
            for member in state.members if queue.members is not None else ():
                if member.interface not in known and not member.fixed:
                    await self._pbx.remove(queue.name, member.interface)
                    changed += 1
            state = await self.state(extension) if changed else state
            for agent in self._agents(extension, state, stored):
                if queue.members is None and (agent.member is None or not agent.member.fixed):
                    continue
                if agent.number not in stored and queue.members is None:
                    continue
                wanted = stored.get(agent.number, AgentStatus.ONLINE)
                changed += await self._bring(extension, state, agent, wanted)
        return changed

    def _agents(
        self, extension: Extension, state: QueueState, stored: Mapping[str, AgentStatus]
    ) -> list[Agent]:
        directory = self._directory.directory
        members = _queue_of(extension).members
        if members is None:
            phones = _phones_of(directory, extension.organization)
            there = [x for x in phones if _found(x, state) is not None or x.number in stored]
        else:
            there = [directory.extensions[x] for x in members if x in directory.extensions]
        return [Agent(x.number, _found(x, state)) for x in there]

    def _is_dialled_otherwise(self, agent: Agent) -> bool:
        """Whether its phone has been given another dial string since it was logged in."""
        if agent.member is None or agent.member.fixed:
            return False
        phone = self._directory.directory.extensions[agent.number]
        return is_dialled_otherwise(agent.member, phone)

    async def _bring(
        self, extension: Extension, state: QueueState, agent: Agent, status: AgentStatus
    ) -> bool:
        """Whether anything had to be changed."""
        queue = _queue_of(extension)
        phone = self._directory.directory.extensions[agent.number]
        there = agent.member
        changed = False
        if queue.members is not None and there is not None and self._is_dialled_otherwise(agent):
            await self._pbx.remove(queue.name, there.interface)
            there, changed = None, True
        if there is None:
            if status is AgentStatus.LOGGED_OUT and not _is_in_order(queue, state):
                return changed
            await self._pbx.add(queue.name, member_of(phone, status), agent.number)
        elif agent.status is status:
            return changed
        elif status is AgentStatus.LOGGED_OUT and not (there.fixed or _is_in_order(queue, state)):
            await self._pbx.remove(queue.name, there.interface)
        else:
            await self._pbx.pause(
                queue.name,
                there.interface,
                paused=status is not AgentStatus.ONLINE,
                logged_out=status is AgentStatus.LOGGED_OUT,
            )
        return True


def _is_in_order(queue: Queue, state: QueueState) -> bool:
    """Whether the place of a member counts: one that is removed and added again is the last."""
    return queue.members is not None and state.strategy == QueueStrategy.LINEAR.value


def _has_gaps(agents: Sequence[Agent]) -> bool:
    """Whether some of the agents are missing on the PBX, and others are not."""
    return len({x.member is None for x in agents}) > 1


def _queue_of(extension: Extension) -> Queue:
    if extension.queue is None:
        raise ValueError(f"{extension.number} is no queue")
    return extension.queue


def _phones_of(directory: Directory, organization: str) -> list[Extension]:
    return [
        x
        for x in directory.extensions.values()
        if x.organization == organization and x.type is ExtensionType.PHONE_TERMINAL
    ]


def _found(phone: Extension, state: QueueState) -> QueueMember | None:
    return next((x for x in state.members if is_member(x, phone)), None)
