"""A call that the PBX has channels of, though storage has its final record."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from bridge.calls.call_records import CallRecords
from bridge.calls.live.change import Change
from bridge.calls.live.channel_hang_ups import ChannelHangUps
from bridge.calls.live.new_call import has_our_id
from bridge.calls.live.tracker import CallTracker
from bridge.calls.state.phone_call import EndedBy, PhoneCall, derived_call_id
from bridge.faults import StorageUnavailable

log = structlog.get_logger()


class AliveAfterEnd:
    """`pbx`: the name of the PBX; `carry_out` is given each change of the check."""

    def __init__(
        self,
        pbx: str,
        calls: CallTracker,
        records: CallRecords,
        carry_out: Callable[[Change], None],
        hang_ups: ChannelHangUps,
    ) -> None:
        self._pbx = pbx
        self._calls = calls
        self._records = records
        self._carry_out = carry_out
        self._hang_ups = hang_ups

    async def check(self, call: PhoneCall) -> None:
        """A call that we do not know, found on a list, or with an id of our form: has it ended?

        A call that was marked to end is hung up. Any other goes on as a call of its own: an id with
        a final record is never used again.
        """
        try:
            known = await self._records.find(call.id)
        except StorageUnavailable as why:
            log.warning("call_not_looked_up", call_id=call.id, why=str(why))
            return
        now = self._calls.live.get(call.id)
        if known is None or known.final is None or now is None:
            return
        if has_our_id(call) or known.final.by is EndedBy.AGE_LIMIT or known.hang_up is not None:
            log.error("call_alive_after_its_final_record", call_id=call.id)
            channels = list(now.channels)
            for change in self._calls.end(call.id, known.final):
                self._carry_out(change)
            self._hang_ups.begin(channels)
            return
        other_id = derived_call_id(self._pbx, f"{call.linkedid} {known.final.at_ms}")
        log.warning("call_goes_on_after_its_final_record", call_id=call.id, other_call_id=other_id)
        for change in self._calls.rename(call.id, other_id, known.final):
            self._carry_out(change)
