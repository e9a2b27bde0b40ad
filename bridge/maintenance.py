"""What has to be done now and then: resync, calls that are too old, rows no longer kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from bridge.calls.hanging_up import HangUp
from bridge.calls.pbx import PbxUnavailable
from bridge.calls.phone_call import Disposition, EndedBy, FinalRecord, PhoneCall
from bridge.calls.switchboard import Switchboard, now_ms

log = structlog.get_logger()

AGE_CHECK_INTERVAL_S = 5.0
PURGE_INTERVAL_S = 600.0
# A call that the PBX cannot end after its time is recorded as ended all the same.
AGE_GRACE_MS = 60_000
# The PBX ends a talk at its limit by itself, unless the channel that had the limit is gone.
DURATION_SLACK_S = 5.0


async def every(interval_s: float, name: str, work: Callable[[], Awaitable[object]]) -> None:
    """Do `work` every so often, for ever; a failure is logged and the next round tried."""
    while True:
        await asyncio.sleep(interval_s)
        try:
            await work()
        except Exception:
            log.exception("maintenance failed", work=name)


class AgeLimit:
    """Ends calls older than `age_max_s`: nobody talks that long, something has gone wrong."""

    def __init__(self, switchboard: Switchboard, hang_up: HangUp, age_max_s: int) -> None:
        self._switchboard = switchboard
        self._hang_up = hang_up
        self._age_max_ms = age_max_s * 1000

    async def enforce(self) -> None:
        oldest = now_ms() - self._age_max_ms
        old = [x for x in self._switchboard.calls.live if x.published_ms < oldest]
        for call in old:
            if call.published_ms < oldest - AGE_GRACE_MS:
                final = FinalRecord(
                    now_ms(), Disposition.UNKNOWN, EndedBy.AGE_LIMIT, "older than the age limit"
                )
                self._switchboard.end(call.id, final)
        await _end(self._hang_up, old, EndedBy.AGE_LIMIT)


class DurationLimit:
    """Ends talks that outlive their `callDuration`: a transfer took the PBX's own timer away.

    By a clock of our own, since the moments of a call are in that of the PBX; it begins anew where
    the service does.
    """

    def __init__(self, switchboard: Switchboard, hang_up: HangUp) -> None:
        self._switchboard = switchboard
        self._hang_up = hang_up
        self._over_s: dict[str, float] = {}
        for call in switchboard.calls.live:
            self._note(call)
        switchboard.observe(lambda change: self._note(change.after))

    def _note(self, call: PhoneCall) -> None:
        if call.final is not None:
            self._over_s.pop(call.id, None)
        elif call.duration_s is not None and call.answered_ms is not None:
            over_s = time.monotonic() + call.duration_s + DURATION_SLACK_S
            self._over_s.setdefault(call.id, over_s)

    async def enforce(self) -> None:
        now_s, live = time.monotonic(), self._switchboard.calls.live
        found = [live.get(call_id) for call_id, over_s in self._over_s.items() if over_s < now_s]
        over = [call for call in found if call is not None]
        await _end(self._hang_up, over, EndedBy.DURATION_LIMIT)


async def _end(hang_up: HangUp, calls: list[PhoneCall], by: EndedBy) -> None:
    """Those that a limit ends; tried again in the next round where the PBX does not."""
    if not calls:
        return
    try:
        await hang_up.hang_up(calls, by)
    except PbxUnavailable as why:
        log.warning(f"calls over the {by.value} not hung up", why=str(why), calls=len(calls))
