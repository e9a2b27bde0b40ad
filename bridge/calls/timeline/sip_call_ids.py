"""Asks the PBX for the Call-ID of SIP of each channel, for the timeline of its call.

No event tells it. The question costs the PBX some 50 µs, but a busy PBX has more to do. So
only some channels of a second are asked for, and the others have no Call-ID in the timeline.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from bridge.calls.live.change import Change
from bridge.calls.live.switchboard import Switchboard
from bridge.calls.pbx import InvalidPbxValue, PbxOutcomeUnknown, PbxUnavailable
from bridge.clock import now_ms

# A phone chooses that of its calls; RFC 3261 has visible characters only.
_VALID = re.compile(r"[\x21-\x7e]{1,255}\Z")


class SipCallIds:
    """`changed` observes the switchboard. `ask` gives the Call-ID of a channel by its Uniqueid and
    its endpoint, or an empty text; it raises as an action of the PBX. `per_second`: how many
    channels are asked for, 0: none.
    """

    def __init__(
        self,
        switchboard: Switchboard,
        ask: Callable[[str, str], Awaitable[str]],
        per_second: int,
    ) -> None:
        self._switchboard = switchboard
        self._ask = ask
        self._per_second = per_second
        self._second, self._asked = 0, 0

    def changed(self, change: Change) -> None:
        """Ask for the channels that are new with this change. Does not wait."""
        before, after = change.before, change.after
        known = {} if before is None else before.channels
        if known is after.channels or self._per_second == 0:
            return
        for uniqueid, channel in after.channels.items():
            if uniqueid not in known and not channel.local and self._may_ask():
                self._switchboard.begin(self._learn(after.id, uniqueid, channel.endpoint))

    def _may_ask(self) -> bool:
        second = now_ms() // 1000
        if second != self._second:
            self._second, self._asked = second, 0
        self._asked += 1
        return self._asked <= self._per_second

    async def _learn(self, call_id: str, uniqueid: str, endpoint: str) -> None:
        try:
            sip_call_id = await self._ask(uniqueid, endpoint)
        except (PbxUnavailable, PbxOutcomeUnknown, InvalidPbxValue):
            return  # the timeline goes without it
        if _VALID.match(sip_call_id):
            now = self._switchboard.calls.live.of_channel(uniqueid)
            live_id = call_id if now is None else now.id
            self._switchboard.timelines.sip_call_id(live_id, uniqueid, sip_call_id)
