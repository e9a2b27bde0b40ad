"""Hanging up: a call that was asked to end does end, whatever state it is in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import TypeVar

import structlog

from bridge.calls.call_records import CallRecords
from bridge.calls.live.change import Change
from bridge.calls.live.channel_hang_ups import NOT_CONFIRMED, channels_to_end
from bridge.calls.live.switchboard import Switchboard
from bridge.calls.pbx import HangUpResult, PbxUnavailable
from bridge.calls.state.final_record import conclude
from bridge.calls.state.phone_call import EndedBy, Origin, PhoneCall
from bridge.clock import now_ms

log = structlog.get_logger()

_Result = TypeVar("_Result")

_FIRST_SWEEP_MIN_S, _SWEEP_MAX_S = 0.01, 30.0


class HangUp:
    """`sweep_s`: how long after a hang-up a channel of the call may live before it is ended too.

    Every marked call is swept, including calls marked before a restart or by a rule.
    """

    def __init__(self, switchboard: Switchboard, records: CallRecords, sweep_s: float) -> None:
        self._switchboard = switchboard
        self._records = records
        self._sweep_s = sweep_s
        self._unconfirmed: set[str] = set()
        self._sweeps: dict[str, asyncio.TimerHandle] = {}
        for call in switchboard.calls.live:
            self._see_to(call)
        switchboard.observe(self._changed)

    async def hang_up(
        self, calls: Sequence[PhoneCall], by: EndedBy = EndedBy.API, app: str | None = None
    ) -> list[PhoneCall]:
        """End these calls; returns those whose end is certain, without those already being ended.

        `app`: the client id of who asks, for the timeline.

        Certain: the PBX confirmed, or the wish is on disk and every channel of the call is hung up
        the moment it appears. Raises PbxUnavailable where the link is down or no end is certain,
        StorageUnavailable.
        """
        link = self._switchboard.pbx.link
        if not link.up:
            raise PbxUnavailable(link.why)
        mine = [x for x in calls if x.hang_up is None or x.id in self._unconfirmed]
        for call in mine:
            self._switchboard.timelines.hang_up_asked(call, by, app)
        marked = [x for x in (self._mark(x, by) for x in mine) if x is not None]
        results = await _together([self._end(x) for x in marked])
        certain = [call for call, sure in results if sure]
        if results and not certain:
            raise PbxUnavailable("the PBX did not confirm the hang-up")
        return certain

    def stop(self) -> None:
        """Cancel every sweep. The mark is on disk, and the next run of the service sweeps again."""
        for timer in self._sweeps.values():
            timer.cancel()

    def _mark(self, call: PhoneCall, by: EndedBy) -> PhoneCall | None:
        self._unconfirmed.discard(call.id)
        return self._switchboard.calls.mark_hang_up(call.id, by, now_ms())

    async def _end(self, call: PhoneCall) -> tuple[PhoneCall, bool]:
        try:
            if call.channels:
                ended = await self._ended_a_channel(call)
            else:
                ended = await self._ended_unheard_of(call)
            if not ended:
                # No channel yet: the mark must outlive us, and is enforced when one appears.
                await self._records.mark(call)
            else:
                self._records.track(call)  # who asked for it, and when, holds over a restart
        except NOT_CONFIRMED as why:
            log.warning("hang_up_not_confirmed", call_id=call.id, why=str(why))
            self._unconfirmed.add(call.id)
            self._records.track(call)
            return call, False
        except BaseException:
            self._unconfirmed.add(call.id)  # whoever asks again is not told that it is being ended
            raise
        finally:
            self._later(call.id)
        return call, True

    async def _ended_a_channel(self, call: PhoneCall) -> bool:
        """If the channels that end the others are gone already, hang up the others too."""
        first = channels_to_end(call)
        results = await _together([self._hang_up(call, x) for x in first])
        if HangUpResult.NO_SUCH_CHANNEL in results:
            now = self._switchboard.calls.live.get(call.id)
            others = [x for x in now.channels if x not in first] if now is not None else []
            results += await _together([self._hang_up(call, x) for x in others])
        return HangUpResult.HUNG_UP in results

    async def _ended_unheard_of(self, call: PhoneCall) -> bool:
        """Whether the PBX had a channel of the call before its news reached us, and ended it.

        Under load the news of a channel come long after the phones have answered.
        """
        if call.origin is not Origin.API or call.id in self._switchboard.not_taken:
            return False
        try:
            result = await self._hang_up(call, call.first_channel)
        except NOT_CONFIRMED as why:
            log.warning("hang_up_not_confirmed", call_id=call.id, why=str(why))
            return False
        return result is HangUpResult.HUNG_UP

    async def _hang_up(self, call: PhoneCall, uniqueid: str) -> HangUpResult:
        result = await self._switchboard.pbx.hang_up(uniqueid)
        if result is HangUpResult.HUNG_UP and uniqueid == call.first_channel:
            self._switchboard.calls.confirm_hang_up(call.id)  # the sweep sees to the others
        return result

    def _changed(self, change: Change) -> None:
        self._see_to(change.after)

    def _see_to(self, call: PhoneCall) -> None:
        if call.hang_up is not None and call.final is None:
            self._later(call.id)

    def _later(self, call_id: str) -> None:
        if call_id not in self._sweeps:
            self._sweep_in(call_id, self._sweep_s)

    def _sweep_in(self, call_id: str, wait_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._sweeps[call_id] = loop.call_later(wait_s, self._sweep, call_id, wait_s)

    def _sweep(self, call_id: str, waited_s: float) -> None:
        """Go on until the call is gone.

        A transfer may leave channels that do not depend on the hung-up one. A confirmed hang-up may
        have had no effect. From then on a DELETE tries as well.
        """
        call = self._switchboard.calls.live.get(call_id)
        if call is None:
            self._unconfirmed.discard(call_id)
            del self._sweeps[call_id]
            return
        if call.channels:
            self._unconfirmed.add(call_id)
        if self._switchboard.pbx.link.up:  # its return enforces every mark
            if call.channels:
                self._switchboard.hang_up_channels(call.channels)
            elif call_id not in self._switchboard.not_taken:
                self._switchboard.begin(self._end_without_channel(call))
        self._sweep_in(call_id, min(max(waited_s, _FIRST_SWEEP_MIN_S) * 2, _SWEEP_MAX_S))

    async def _end_without_channel(self, call: PhoneCall) -> None:
        """End a marked call that the PBX has accepted and that has shown no channel.

        If the PBX lists no channel of it, the call is over. A channel that comes later is hung up
        as an orphan.
        """
        try:
            result = await self._switchboard.pbx.hang_up(call.first_channel)
        except NOT_CONFIRMED as why:
            log.warning("hang_up_not_confirmed", call_id=call.id, why=str(why))
            return
        now = self._switchboard.calls.live.get(call.id)
        if result is HangUpResult.NO_SUCH_CHANNEL and now is not None and not now.channels:
            self._switchboard.end(call.id, conclude(now, now_ms()))


async def _together(work: Sequence[Coroutine[object, object, _Result]]) -> list[_Result]:
    """All of it at once; nearly always it is one piece, which needs no task of its own."""
    if len(work) == 1:
        return [await work[0]]
    return await asyncio.gather(*work)
