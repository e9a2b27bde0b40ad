"""One live call that an action is about to change, as it is now."""

from __future__ import annotations

from bridge.calls.live.call_index import CallIndex
from bridge.calls.state.local_halves import is_half, without_passed_services
from bridge.calls.state.phone_call import Leg, LegPhase, PhoneCall, Side
from bridge.calls.steering.errors import ActionFailed


def still_live(calls: CallIndex, call_id: str) -> PhoneCall:
    """The call, or the one that it has joined. Raises ActionFailed if it ends."""
    call = calls.find(call_id)
    if call is None or call.hang_up is not None:
        raise ActionFailed("the call has ended")
    return call


def party_in_talk(call: PhoneCall, view_id: str) -> Leg:
    """The party of that view. Raises ActionFailed unless it is in the call and has answered."""
    leg = next((x for x in call.legs if x.view_id == view_id), None)
    if leg is None or leg.uniqueid is None or leg.handed_over or leg.phase is LegPhase.GONE:
        raise ActionFailed(f"the party of view {view_id} is not in the call")
    if leg.phase is not LegPhase.UP:
        raise ActionFailed(f"the party of view {view_id} has not answered")
    return leg


def caller_of_ringing(call: PhoneCall, view_id: str) -> Leg | None:
    """The caller that waits for the ringing phone of that view; None where that does not ring.

    Raises ActionFailed where others would lose the call, too: more phones ring, or a service rings
    its agents.
    """
    leg = next((x for x in call.legs if x.view_id == view_id), None)
    if leg is None or not _is_rung(leg):
        return None
    if call.called_service is not None and not call.left_service:
        raise ActionFailed(f"{leg.number} rings for {call.called_service}")
    callers = [
        x
        for x in call.legs
        if x.side is Side.SOURCE
        and (x.calls_in or x.phase is LegPhase.UP)
        and x.phase < LegPhase.GONE
        and not x.handed_over
    ]
    if len(callers) != 1 or callers[0].uniqueid is None:
        raise ActionFailed(f"the party of view {view_id} has not answered")
    rung = [x for x in call.legs if x.view_id != view_id and x is not callers[0]]
    if any(_is_rung(x) or (x.phase is LegPhase.UP and not x.handed_over) for x in rung):
        raise ActionFailed(f"{leg.number} rings, and is not the only one in the call")
    return callers[0]


def _is_rung(leg: Leg) -> bool:
    dialled = leg.uniqueid is not None and not leg.calls_in and not leg.handed_over
    return dialled and LegPhase.WAITING < leg.phase < LegPhase.UP


def the_other(call: PhoneCall, leg: Leg) -> Leg:
    """The one party that `leg` talks to. Raises ActionFailed if there is none, or several."""
    others = [
        x
        for x in call.legs
        if x.view_id != leg.view_id
        and x.phase is LegPhase.UP
        and x.uniqueid is not None
        and not x.handed_over
    ]
    others = without_passed_services(call, others)
    if not others:
        raise ActionFailed("it talks to no other party")
    if len(others) > 1:
        raise ActionFailed("more than two parties talk")
    return others[0]


def require_phones(call: PhoneCall, *legs: Leg) -> None:
    """Raises ActionFailed where a party is a service: it stands behind half a Local channel."""
    for leg in legs:
        if is_half(call, leg.uniqueid):
            raise ActionFailed(f"{leg.number} is no phone, and only phones are held or parked")


def require_no_holder(leg: Leg) -> None:
    """Raises ActionFailed where that party holds the call by the API: it decides about it then."""
    if leg.api_hold is not None:
        raise ActionFailed(f"{leg.number} holds the call")
