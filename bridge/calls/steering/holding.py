"""OnHold and OffHold: a party hears music until the other takes it back.

The channel of the held party is taken apart from the one next to it, which is the holder's own or
leads to it. So nothing else of the call changes, in any dialplan.
"""

from __future__ import annotations

from bridge.calls.live.switchboard import Switchboard
from bridge.calls.pbx import PbxOutcomeUnknown
from bridge.calls.state.holding import with_api_hold
from bridge.calls.state.phone_call import ApiHold, Leg, PhoneCall
from bridge.calls.steering.action_turns import ActionTurns
from bridge.calls.steering.errors import ActionFailed
from bridge.calls.steering.live_call import (
    party_in_talk,
    require_no_holder,
    require_phones,
    still_live,
    the_other,
)
from bridge.calls.steering.neighbour import neighbour_of, with_neighbour
from bridge.calls.steering.pbx_steering import PbxNeighbours
from bridge.clock import now_ms

HOLD_MODULES = ("app_bridgewait", "app_channelredirect", "bridge_holding", "res_musiconhold")
HOLD_CONTEXTS = ("uapi-hold", "hang-up")


class Holding:
    """`turns`: of each call, by its id."""

    def __init__(self, switchboard: Switchboard, pbx: PbxNeighbours, turns: ActionTurns) -> None:
        self._switchboard = switchboard
        self._pbx = pbx
        self._turns = turns

    async def hold(self, call_id: str, view_id: str) -> PhoneCall:
        """The party of the view holds the other, if it does not yet; returns the call then.

        Raises ActionFailed, ActionUnavailable, PbxUnavailable, PbxRefused, PbxOutcomeUnknown.
        """
        async with self._turns.of(call_id):
            call, holder = self._party(call_id, view_id)
            if holder.api_hold is not None or holder.on_hold_ms is not None:
                return call
            require_phones(call, holder)
            other = the_other(call, holder)
            require_no_holder(other)
            require_phones(call, other)
            await self._pbx.require(HOLD_CONTEXTS, HOLD_MODULES)
            hold = await self._take_apart(call.id, other)
            self._note(call_id, view_id, hold)
            return still_live(self._switchboard.calls.live, call_id)

    async def release(self, call_id: str, view_id: str) -> PhoneCall:
        """The party of the view takes the other back, if it holds it; returns the call then.

        Raises ActionFailed, PbxUnavailable, PbxRefused, PbxOutcomeUnknown.
        """
        async with self._turns.of(call_id):
            call, holder = self._party(call_id, view_id)
            if holder.api_hold is None:
                self._require_free(call, holder)
                return call
            await self._pbx.connect(holder.api_hold.held, holder.api_hold.waiting)
            self._note(call_id, view_id, None)
            return still_live(self._switchboard.calls.live, call_id)

    def _party(self, call_id: str, view_id: str) -> tuple[PhoneCall, Leg]:
        call = still_live(self._switchboard.calls.live, call_id)
        return call, party_in_talk(call, view_id)

    def _require_free(self, call: PhoneCall, holder: Leg) -> None:
        """Raises ActionFailed where the call is on hold in a way that this action cannot end."""
        if holder.on_hold_ms is not None:
            raise ActionFailed(f"the phone of {holder.number} holds the call, only it can end that")
        for leg in call.legs:
            require_no_holder(leg)

    async def _take_apart(self, call_id: str, other: Leg) -> ApiHold:
        live = self._switchboard.calls.live
        return await with_neighbour(
            lambda: neighbour_of(live, self._pbx, call_id, other),
            lambda waiting: self._part(call_id, other, waiting),
        )

    async def _part(self, call_id: str, other: Leg, waiting: str) -> ApiHold:
        held = other.uniqueid or ""
        since_ms = now_ms() - self._switchboard.clock_ahead_ms
        hold = ApiHold(since_ms, held, waiting)
        try:
            await self._pbx.take_apart(held, waiting)
        except PbxOutcomeUnknown:
            # Noted, so that OffHold puts it right if it has happened.
            self._switchboard.change(call_id, lambda x: _held_by_other(x, other, hold))
            raise
        return hold

    def _note(self, call_id: str, view_id: str, hold: ApiHold | None) -> None:
        call = still_live(self._switchboard.calls.live, call_id)
        self._switchboard.change(call.id, lambda x: with_api_hold(x, view_id, hold))


def _held_by_other(call: PhoneCall, held: Leg, hold: ApiHold) -> PhoneCall:
    return with_api_hold(call, the_other(call, held).view_id, hold)
