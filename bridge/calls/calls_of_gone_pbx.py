"""The end of calls whose PBX does not come back."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from bridge.calls.live.switchboard import Switchboard
from bridge.calls.state.phone_call import Disposition, EndedBy, FinalRecord
from bridge.clock import now_ms

log = structlog.get_logger()

GONE_CHECK_INTERVAL_S = 2.0
PBX_LOST = "PBX lost"
"""The reason of a call whose end nobody has seen, as its PBX was away for too long."""


class CallsOfGonePbx:
    """A PBX counts as gone when it was away for `gone_s`; 0: it never does.

    `may_act`: whether this instance may record anything of that PBX at this moment.
    """

    def __init__(self, switchboard: Switchboard, gone_s: int, may_act: Callable[[], bool]) -> None:
        self._switchboard = switchboard
        self._gone_ms = gone_s * 1000
        self._may_act = may_act

    async def enforce(self) -> None:
        """Record the end of all live calls of a PBX that is gone. How they ended is not known."""
        link = self._switchboard.pbx.link
        if link.up or not self._gone_ms or now_ms() - link.since_ms < self._gone_ms:
            return
        if not self._may_act():
            return
        lost = list(self._switchboard.calls.live)
        for call in lost:
            by = EndedBy.UNKNOWN if call.hang_up is None else call.hang_up.by
            final = FinalRecord(now_ms(), Disposition.UNKNOWN, by, PBX_LOST)
            self._switchboard.end(call.id, final)
        if lost:
            log.error("calls_of_gone_pbx_ended", pbx=self._switchboard.pbx.name, calls=len(lost))
