"""Hanging up single channels: which channels end a call, and their Hangup in the background."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from bridge.calls.pbx import (
    InvalidPbxValue,
    Pbx,
    PbxOutcomeUnknown,
    PbxRefused,
    PbxUnavailable,
)
from bridge.calls.state.phone_call import PhoneCall
from bridge.supervision.task_set import TaskSet

log = structlog.get_logger()

# A hang-up raises these if its outcome is unknown.
NOT_CONFIRMED = (PbxUnavailable, PbxOutcomeUnknown, PbxRefused, InvalidPbxValue)


class ChannelHangUps:
    """Sends Hangups in tasks of `tasks`."""

    def __init__(self, pbx: Pbx, tasks: TaskSet) -> None:
        self._pbx = pbx
        self._tasks = tasks

    def begin(self, uniqueids: Iterable[str]) -> None:
        """Hang these channels up in the background; a hang-up that is not confirmed is logged."""
        for uniqueid in uniqueids:
            self._tasks.begin(self._hang_up(uniqueid))

    async def _hang_up(self, uniqueid: str) -> None:
        try:
            await self._pbx.hang_up(uniqueid)
        except NOT_CONFIRMED as why:
            # The mark stays on the call: its sweep goes on (HangUp).
            log.warning("hang_up_not_confirmed", channel=uniqueid, why=str(why))


def channels_to_end(call: PhoneCall) -> list[str]:
    """The channels whose end ends the call: its first one while that lives, else all of them.

    If two calls became one, one became two, or a party handed the call over, the others do not
    depend on the first.
    """
    first = call.first_channel
    changed = call.joined or call.split_off or call.split_from
    if first not in call.channels or changed or any(x.handed_over for x in call.legs):
        return list(call.channels)
    return [first]
