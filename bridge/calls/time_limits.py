"""Limits on the age and the duration of calls, enforced at an interval."""

from __future__ import annotations

import time

import structlog

from bridge.calls.hanging_up import HangUp
from bridge.calls.live.change import Change
from bridge.calls.live.switchboard import Switchboard
from bridge.calls.pbx import PbxUnavailable
from bridge.calls.state.phone_call import Disposition, EndedBy, FinalRecord, Origin, PhoneCall
from bridge.clock import now_ms
from bridge.faults import Fenced, StorageUnavailable

log = structlog.get_logger()

AGE_CHECK_INTERVAL_S = 5.0
# With the link up, the PBX has this time to end a call. Then the call is recorded as ended, so that
# no fault of the PBX keeps it in the list.
AGE_GRACE_MS = 60_000
# The PBX ends a talk at its limit by itself, unless the channel that had the limit is gone.
DURATION_SLACK_S = 5.0


class AgeLimit:
    """Ends calls older than `age_max_s`: nobody talks that long, something has gone wrong.

    They are hung up first. The call keeps the mark of the limit, so a restart does not begin anew.
    The end is recorded when the PBX reports it.
    """

    def __init__(self, switchboard: Switchboard, hang_up: HangUp, age_max_s: int) -> None:
        self._switchboard = switchboard
        self._hang_up = hang_up
        self._age_max_ms = age_max_s * 1000

    async def enforce(self) -> None:
        """Hang up calls over the limit, and record the end of those that the PBX does not end."""
        link = self._switchboard.pbx.link
        if not link.up:
            return
        oldest = now_ms() - self._age_max_ms
        old = [x for x in self._switchboard.calls.live if self._published_ms(x) < oldest]
        await _end(self._hang_up, old, EndedBy.AGE_LIMIT)
        given_up = now_ms() - AGE_GRACE_MS
        for call in old:
            mark = call.hang_up
            # A mark of before counts from when this link came up and hung up its channels.
            if mark is not None and max(mark.at_ms, link.since_ms) < given_up:
                self._give_up(call, mark.by)

    def _published_ms(self, call: PhoneCall) -> int:
        """By our own clock; of a call that the API did not make the PBX's says when it began."""
        if call.origin is Origin.API:
            return call.published_ms
        return call.published_ms + self._switchboard.clock_ahead_ms

    def _give_up(self, call: PhoneCall, by: EndedBy) -> None:
        log.error("call_not_ended_by_the_pbx", call_id=call.id, channels=list(call.channels))
        answered = call.answered_ms is not None
        disposition = Disposition.ANSWERED if answered else Disposition.UNKNOWN
        final = FinalRecord(now_ms(), disposition, by, "older than the age limit")
        self._switchboard.end(call.id, final)


class DurationLimit:
    """Ends talks that outlive their `callDuration`: a transfer took the PBX's own timer away, or
    voicemail has taken the call.

    Uses our monotonic clock, because the moments of a call are in the clock of the PBX. Of talks
    that are taken up after a restart, the difference of both clocks tells how long they have
    lasted.
    """

    def __init__(self, switchboard: Switchboard, hang_up: HangUp) -> None:
        self._switchboard = switchboard
        self._hang_up = hang_up
        self._over_s: dict[str, float] = {}
        self._taken_up: dict[str, tuple[int, int]] = {}  # duration_s, answered_ms
        for call in switchboard.calls.live:
            began_ms = call.answered_ms or call.taken_ms
            if call.duration_s is not None and began_ms is not None:
                self._taken_up[call.id] = call.duration_s, began_ms
        switchboard.observe(self._changed)

    def _changed(self, change: Change) -> None:
        call = change.after
        if call.final is not None:
            self._over_s.pop(call.id, None)
            self._taken_up.pop(call.id, None)
        elif call.id in self._taken_up:
            return  # until its age is known
        elif call.duration_s is not None and (call.answered_ms or call.taken_ms) is not None:
            over_s = time.monotonic() + call.duration_s + DURATION_SLACK_S
            self._over_s.setdefault(call.id, over_s)

    async def enforce(self) -> None:
        """Hang up calls whose talk is longer than their `callDuration`."""
        if self._taken_up and self._switchboard.pbx.link.up:  # so both clocks have been compared
            self._count_taken_up()
        now_s, live = time.monotonic(), self._switchboard.calls.live
        found = [live.get(call_id) for call_id, over_s in self._over_s.items() if over_s < now_s]
        over = [call for call in found if call is not None]
        await _end(self._hang_up, over, EndedBy.DURATION_LIMIT)

    def _count_taken_up(self) -> None:
        ahead_ms = self._switchboard.clock_ahead_ms
        for call_id, (duration_s, answered_ms) in self._taken_up.items():
            talked_s = max(0.0, (now_ms() - ahead_ms - answered_ms) / 1000)
            self._over_s[call_id] = time.monotonic() + duration_s - talked_s + DURATION_SLACK_S
        self._taken_up.clear()


async def _end(hang_up: HangUp, calls: list[PhoneCall], by: EndedBy) -> None:
    """End the calls that are over a limit; tried again in the next round where the PBX does not."""
    if not calls:
        return
    try:
        await hang_up.hang_up(calls, by)
    except (PbxUnavailable, StorageUnavailable, Fenced) as why:
        log.warning("calls_over_limit_not_hung_up", by=by.value, why=str(why), calls=len(calls))
