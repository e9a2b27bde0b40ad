"""The end of calls whose PBX does not come back."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from bridge.calls.live.switchboard import Switchboard, last_moment
from bridge.calls.state.phone_call import Disposition, EndedBy, FinalRecord

log = structlog.get_logger()

GONE_CHECK_INTERVAL_S = 2.0
PBX_LOST = "PBX lost"
"""The reason of a call whose end nobody has seen, as its PBX was away for too long."""


class CallsOfGonePbx:
    """A PBX counts as gone when it was away for `gone_s`; 0: it never does.

    `may_act`: whether this instance may record anything of that PBX at this moment. `seen_ms`: when
    an instance of before last said that the PBX is there; 0: not known.
    """

    def __init__(
        self,
        switchboard: Switchboard,
        gone_s: int,
        may_act: Callable[[], bool],
        seen_ms: int = 0,
    ) -> None:
        self._switchboard = switchboard
        self._gone_s = gone_s
        self._may_act = may_act
        self._seen_ms = seen_ms

    async def enforce(self) -> None:
        """Record the end of all live calls of a PBX that is gone. How they ended is not known.

        The end is the last moment at which the PBX was known to carry the call: nobody is charged
        for the time after it. RADIUS servers end a session without a stop in the same way, at its
        last interim record.
        """
        link = self._switchboard.pbx.link
        if link.up or not self._gone_s or link.lasts_s < self._gone_s:
            return
        if not self._may_act():
            return
        lost = list(self._switchboard.calls.live)
        heard_ms = max(self._switchboard.last_heard_ms, self._seen_ms)
        for call in lost:
            by = EndedBy.UNKNOWN if call.hang_up is None else call.hang_up.by
            at_ms = max(heard_ms, last_moment(call))
            final = FinalRecord(at_ms, Disposition.UNKNOWN, by, PBX_LOST, not_before_ms=at_ms)
            self._switchboard.end(call.id, final)
        if lost:
            log.error("calls_of_gone_pbx_ended", pbx=self._switchboard.pbx.name, calls=len(lost))
