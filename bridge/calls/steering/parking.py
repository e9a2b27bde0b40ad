"""Park: the other party hears music in the parking lot of the PBX, until a phone fetches it.

The PBX takes the channel next to the parking phone, as it does when that phone transfers the call
to the lot itself. Its event says in which place the party waits (bridge/calls/state/handing_over).
"""

from __future__ import annotations

import asyncio

import structlog

from bridge.calls.live.change import Change
from bridge.calls.live.channel_hang_ups import NOT_CONFIRMED
from bridge.calls.live.switchboard import Switchboard
from bridge.calls.pbx import PbxOutcomeUnknown, PbxRefused
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
from bridge.calls.steering.parking_shares import ParkingShares
from bridge.calls.steering.pbx_steering import PbxParking

log = structlog.get_logger()

PARKING_MODULES = ("res_parking", "bridge_holding", "res_musiconhold")
TOLD_WITHIN_S = 3.0
"""How long after the answer to the action its event may come."""


class CallParking:
    """`turns`: of each call, by its id. `shares`: how many
    places of the lot an organization has."""

    def __init__(
        self,
        switchboard: Switchboard,
        pbx: PbxParking,
        turns: ActionTurns,
        shares: ParkingShares,
    ) -> None:
        self._switchboard = switchboard
        self._shares = shares
        self._pbx = pbx
        self._turns = turns
        self._outcomes: dict[str, asyncio.Future[PhoneCall]] = {}
        switchboard.observe(self._changed)

    async def park(self, call_id: str, view_id: str, at_most_s: int) -> PhoneCall:
        """The party of the view parks the other, and is out of the call; returns the call then.

        After `at_most_s` seconds its phone rings. Raises ActionFailed, ActionUnavailable,
        PbxUnavailable, PbxRefused, PbxOutcomeUnknown.
        """
        async with self._turns.of(call_id):
            parker, _ = _parties(self._live(call_id), view_id)
            with self._shares.place(call_id, parker.extension or parker.number):
                await self._pbx.require((), PARKING_MODULES)
                hold = await self._off_hold(call_id, view_id)
                try:
                    return await self._into_lot(call_id, view_id, at_most_s)
                except PbxOutcomeUnknown:
                    raise
                except Exception as why:
                    if hold is None or await self._on_hold_again(call_id, view_id, hold):
                        raise
                    raise ActionFailed(f"{why}, and the hold is over") from why

    async def _into_lot(self, call_id: str, view_id: str, at_most_s: int) -> PhoneCall:
        call = self._live(call_id)
        parker, other = _parties(call, view_id)
        phone = call.channels.get(parker.uniqueid or "")
        if phone is None:
            raise ActionFailed(f"{parker.number} talks to nobody of this call")
        live, endpoint = self._switchboard.calls.live, phone.endpoint
        try:
            return await with_neighbour(
                lambda: neighbour_of(live, self._pbx, call_id, parker),
                lambda channel: self._park(call, (channel, endpoint, at_most_s)),
            )
        except PbxRefused as why:
            raise ActionFailed(f"{other.number} is not parked, is a place free? {why}") from why

    async def _off_hold(self, call_id: str, view_id: str) -> ApiHold | None:
        """The party of the view takes the other back, if it holds it by the API; the hold then.

        The PBX parks only who talks.
        """
        hold = _parties(self._live(call_id), view_id)[0].api_hold
        if hold is not None:
            await self._pbx.connect(hold.held, hold.waiting)
            self._switchboard.change(call_id, lambda x: with_api_hold(x, view_id, None))
        return hold

    async def _on_hold_again(self, call_id: str, view_id: str, hold: ApiHold) -> bool:
        """The other party was not parked: it is on hold as before. False if that cannot be."""
        try:
            await self._pbx.take_apart(hold.held, hold.waiting)
        except PbxOutcomeUnknown:
            pass  # noted as OnHold does, so that OffHold puts it right
        except NOT_CONFIRMED as why:
            log.warning("hold_not_restored", call_id=call_id, why=str(why))
            return False
        self._switchboard.change(call_id, lambda x: with_api_hold(x, view_id, hold))
        return True

    async def _park(self, call: PhoneCall, order: tuple[str, str, int]) -> PhoneCall:
        outcome: asyncio.Future[PhoneCall] = asyncio.get_running_loop().create_future()
        self._outcomes[call.id] = outcome
        try:
            await self._pbx.park(*order)
            async with asyncio.timeout(TOLD_WITHIN_S):
                after = await outcome
        except TimeoutError:
            raise PbxOutcomeUnknown("the PBX has not told where it parks (ParkedCall)") from None
        finally:
            del self._outcomes[call.id]
        if after.final is not None:
            raise ActionFailed("the call has ended")
        return after

    def _live(self, call_id: str) -> PhoneCall:
        return still_live(self._switchboard.calls.live, call_id)

    def _changed(self, change: Change) -> None:
        call = change.after
        outcome = self._outcomes.get(call.id)
        if outcome is None or outcome.done():
            return
        if call.final is not None or any(x.parked for x in call.legs):
            outcome.set_result(call)


def _parties(call: PhoneCall, view_id: str) -> tuple[Leg, Leg]:
    """The party that parks, and the party that it parks. Raises ActionFailed."""
    parker = party_in_talk(call, view_id)
    if parker.extension is None:
        raise ActionFailed(f"{parker.number} is no extension, and only an extension parks")
    require_phones(call, parker)
    other = the_other(call, parker)
    require_no_holder(other)
    require_phones(call, other)
    return parker, other
