"""Brings the queues of the PBX in line with the directory: at each start of the link and reload."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import structlog

from bridge.calls.pbx import InvalidPbxValue, PbxNotHeld, PbxOutcomeUnknown, PbxUnavailable
from bridge.directory.loader import CurrentDirectory
from bridge.directory.model import Queue
from bridge.faults import Fenced, StorageUnavailable
from bridge.queues.queue_agents import QueueAgents
from bridge.queues.queue_pbx import QueuePbx, QueueRefused, QueuesNotPossible
from bridge.queues.queues_file import queues_text, read_queues, reordered, write_queues
from bridge.supervision.conditions import Condition
from bridge.supervision.tasks import in_background

log = structlog.get_logger()

RETRY_FIRST_S, RETRY_LAST_S = 2.0, 60.0

_FAULTS = (
    Fenced,
    InvalidPbxValue,
    OSError,
    PbxOutcomeUnknown,
    PbxUnavailable,
    QueueRefused,
    QueuesNotPossible,
    StorageUnavailable,
)


class QueueProvisioning:
    """`file`: where the queues are written, for the PBX to read; None: it has its own. `may_act`:
    whether this instance may change the queues of this PBX at this moment; None: always.

    `problem` says why a queue is not as the directory says; that is tried again until it is.
    """

    def __init__(
        self,
        directory: CurrentDirectory,
        agents: QueueAgents,
        pbx: QueuePbx,
        file: Path | None,
        may_act: Callable[[], bool] | None = None,
    ) -> None:
        self._may_act = may_act
        self._directory = directory
        self._agents = agents
        self._pbx = pbx
        self._file = file
        self._one_at_a_time = asyncio.Lock()
        self._retry: asyncio.Task[None] | None = None
        self._retry_s = RETRY_FIRST_S
        self._late: frozenset[str] = frozenset()  # queues with another strategy for a while
        self._not_told = Condition(
            "queues_not_told_began", "queues_not_told_ended", level=logging.WARNING
        )

    @property
    def problem(self) -> str:
        """Empty when the queues are as the directory says."""
        return self._not_told.problem

    async def push(self) -> None:
        """Tell the PBX what the directory in force says about queues. Never raises."""
        self.stop()
        async with self._one_at_a_time:
            problems = await self._push()
        if problems:
            self._not_told.begin("; ".join(problems))
            self._retry = in_background(self._again_in(self._retry_s), "queues_again")
            self._retry_s = min(2 * self._retry_s, RETRY_LAST_S)
        else:
            self._not_told.end()
            self._retry_s = RETRY_FIRST_S

    def stop(self) -> None:
        """Cancel the retry, if one is planned."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    async def _push(self) -> list[str]:
        """The faults, as texts; a fault of one queue keeps no other back."""
        queues = [x for x in self._directory.directory.extensions.values() if x.queue is not None]
        if self._may_act is not None and not self._may_act():
            return [str(PbxNotHeld())]
        try:
            anew = await self._tell_file([x.queue for x in queues if x.queue is not None])
        except PbxUnavailable as why:
            return [str(why)]  # the next start of the link begins anew
        except _FAULTS as why:
            return [f"the queues file: {why}"]
        problems = []
        changed = 0
        for extension in queues:
            name = extension.queue.name if extension.queue is not None else ""
            try:
                changed += await self._agents.bring_in_line(extension, anew=name in anew)
            except PbxUnavailable as why:
                return [str(why)]
            except _FAULTS as why:
                problems.append(f"{extension.number}: {why}")
        problems += [f"{x}: it gets its strategy when no caller waits in it" for x in self._late]
        if queues and not problems:
            log.info("queues_told", queues=len(queues), agents_changed=changed)
        return problems

    async def _tell_file(self, queues: list[Queue]) -> frozenset[str]:
        """Returns the names of queues whose agents must be logged in anew.

        Asterisk may have started before the file was there, so it always reads it.
        """
        self._late = frozenset()
        if self._file is None or not self._file.parent.is_dir():
            return frozenset()
        before, after = await asyncio.to_thread(read_queues, self._file), queues_text(queues)
        await self._write(after)
        # Asterisk makes no existing queue linear; one that has gone and come back can be.
        if others := await self._with_another_strategy(queues):
            await self._write(queues_text(x for x in queues if x.name not in others))
            await self._write(after)
            self._late = await self._with_another_strategy(queues)
        return reordered(before, after)

    async def _write(self, text: str) -> None:
        if self._file is not None:
            await asyncio.to_thread(write_queues, self._file, text)
        await self._pbx.reload()

    async def _with_another_strategy(self, queues: list[Queue]) -> frozenset[str]:
        found = set()
        for queue in queues:
            state = await self._pbx.state(queue.name)
            if state is not None and state.strategy != queue.strategy.value:
                found.add(queue.name)
        return frozenset(found)

    async def _again_in(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        self._retry = None  # what it starts now must not end itself
        await self.push()
