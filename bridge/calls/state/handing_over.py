"""A party that hands the call over: it transfers or parks the other, and is out of the call."""

from __future__ import annotations

from collections.abc import Container

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.dialled_numbers import asked_number
from bridge.calls.state.effects import CallTransferred, Effect
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.legs import leg_index, set_leg, with_source
from bridge.calls.state.parking import party_on
from bridge.calls.state.party_lookup import PartyLookup
from bridge.calls.state.phone_call import EndedBy, LegPhase, Parking, PhoneCall


def transferred(
    call: PhoneCall, event: ev.Transferred, _: PartyLookup
) -> tuple[PhoneCall, list[Effect]]:
    """A party has transferred the call, and is out of it.

    Returns the call, and the effect that tells it; a transfer that failed changes nothing. After a
    blind transfer `dialled` is the target, unless the other party is parked.
    """
    index = leg_index(call, event.transferer)
    leg = None if index is None else call.legs[index]
    if not event.succeeded or _follows_from_hang_up(call):
        return call, []
    call = _without(call, (event.transferer, event.target if event.attended else ""))
    other = party_on(call, event.transferee)
    parked = other is not None and call.legs[other].parked
    if not event.attended and not parked:
        call = to_service(call, event.target)
    return call, [CallTransferred(event.at_ms, leg, event.target, event.attended)]


def _follows_from_hang_up(call: PhoneCall) -> bool:
    """A phone asks the target by a feature code, and transfers by hanging up. Our hang-up looks the
    same to the PBX. The rule for transfers ends a call after a transfer that a phone made."""
    return call.hang_up is not None and call.hang_up.by is not EndedBy.TRANSFER_RULE


def hand_over(call: PhoneCall, view_id: str, number: str) -> PhoneCall:
    """The call after the party of that view has transferred the other to `number` by the API."""
    index = next(at for at, x in enumerate(call.legs) if x.view_id == view_id)
    leg = call.legs[index]
    call = set_leg(call, index, replace(leg, api_hold=None))
    call = _without(call, (leg.uniqueid or "",))
    # Also one that only rang: its ringing ends.
    call = set_leg(call, index, replace(call.legs[index], handed_over=True))
    return to_service(call, number)


def parked(
    call: PhoneCall, event: ev.ChannelParked, parties: PartyLookup
) -> tuple[PhoneCall, list[Effect]]:
    """The party that talked to the parked party has parked it, and is out of the call.

    The parking lot is a service of the PBX: its slot is what the party talks to now.
    """
    index = party_on(call, event.uniqueid)
    if index is None or call.legs[index].phase is LegPhase.GONE:
        return call, []
    parking = Parking(event.at_ms, event.slot, _parker(call, event, index, parties), event.uniqueid)
    call = _without(call, {x.uniqueid or "" for x in call.legs} - {call.legs[index].uniqueid})
    call = set_leg(call, index, replace(call.legs[index], parking=parking))
    return to_service(call, event.slot or call.dialled), []


def _parker(
    call: PhoneCall, event: ev.ChannelParked, parkee: int, parties: PartyLookup
) -> str | None:
    """The extension that has parked: whom the PBX rings later, else the one that talked to it."""
    party = parties.by_endpoint(event.parker) if event.parker else None
    if party is not None:
        return party.extension
    others = [x for at, x in enumerate(call.legs) if at != parkee and x.phase is LegPhase.UP]
    return next((x.extension for x in others if not x.handed_over), None)


def _without(call: PhoneCall, leaving: Container[str]) -> PhoneCall:
    """The call that goes on without who is up on these channels, whatever becomes of them."""
    call = with_source(call, leaving)
    legs = tuple(
        replace(x, handed_over=True) if x.phase is LegPhase.UP and x.uniqueid in leaving else x
        for x in call.legs
    )
    return replace(call, legs=legs, first_to_hang_up=None)


def to_service(call: PhoneCall, number: str) -> PhoneCall:
    """The call after it left the service that its source dialled, for that number."""
    return replace(
        call,
        dialled=asked_number(number),
        left_service=call.called_service is not None,
        left_unnamed=False,
    )
