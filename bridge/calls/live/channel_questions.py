"""Asks the PBX what it does with a party that talks to nobody else."""

from __future__ import annotations

import asyncio

import structlog

from bridge.calls.live.call_index import CallIndex
from bridge.calls.pbx import (
    InvalidPbxValue,
    Pbx,
    PbxOutcomeUnknown,
    PbxRefused,
    PbxUnavailable,
)
from bridge.supervision.task_set import TaskSet

log = structlog.get_logger()

ASKED_AFTER_S = (0.1, 1.0, 4.0)
"""After the event, and each time after the question before. A party that is about to go is gone at
the first one. An announcement may come before the mailbox."""


class ChannelQuestions:
    """Asks in tasks of `tasks`. The answers come as events."""

    def __init__(self, pbx: Pbx, live: CallIndex, tasks: TaskSet) -> None:
        self._pbx = pbx
        self._live = live
        self._tasks = tasks
        self._asked: set[str] = set()

    def begin(self, uniqueid: str) -> None:
        """Ask about this channel, a few times, as long as it lives and its mailbox is not known."""
        if uniqueid not in self._asked:
            self._asked.add(uniqueid)
            self._tasks.begin(self._ask(uniqueid))

    async def _ask(self, uniqueid: str) -> None:
        try:
            for wait_s in ASKED_AFTER_S:
                await asyncio.sleep(wait_s)
                call = self._live.of_channel(uniqueid)
                if call is None or call.hang_up is not None or call.mailbox is not None:
                    return
                if not await self._pbx.ask_channel(uniqueid):
                    return
        except (PbxUnavailable, PbxOutcomeUnknown, PbxRefused, InvalidPbxValue) as why:
            log.info("channel_not_asked", channel=uniqueid, why=str(why))
        finally:
            self._asked.discard(uniqueid)
