"""Parties that somebody parked while the link to the PBX was down: the PBX lists who is parked."""

from __future__ import annotations

import contextlib
import dataclasses

from bridge.calls.live.switchboard import Switchboard
from bridge.calls.pbx import PbxOutcomeUnknown, PbxRefused, PbxUnavailable
from bridge.calls.state.parking import may_be_parked
from bridge.calls.state.pbx_events import ChannelParked
from bridge.calls.steering.pbx_steering import PbxParking


class UnheardParking:
    """Looks into the parking lot each time the link has come up, if a live call may be in it."""

    def __init__(self, switchboard: Switchboard, pbx: PbxParking) -> None:
        self._switchboard = switchboard
        self._pbx = pbx
        switchboard.at_link_up(self._look)

    async def _look(self) -> None:
        if not any(map(may_be_parked, self._switchboard.calls.live)):
            return
        # A PBX without a parking lot refuses. If the link is lost, the next one is looked at.
        with contextlib.suppress(PbxUnavailable, PbxRefused, PbxOutcomeUnknown):
            await self._pbx.each_parked(self._found)

    def _found(self, event: ChannelParked) -> None:
        call = self._switchboard.calls.live.of_channel(event.uniqueid)
        if call is not None and may_be_parked(call):
            at_ms = event.at_ms - self._switchboard.clock_ahead_ms
            self._switchboard.pbx_event(dataclasses.replace(event, at_ms=at_ms))
