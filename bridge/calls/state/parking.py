"""A party that leaves a parking lot: somebody fetches it, or its time there is over.

The way into the lot is in bridge/calls/state/handing_over.py.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.legs import leg_index, set_leg
from bridge.calls.state.local_halves import is_half, party_through
from bridge.calls.state.phone_call import Leg, LegPhase, PhoneCall


def party_on(call: PhoneCall, uniqueid: str) -> int | None:
    """The place of the party on that channel, or behind it if that is half a Local channel.

    A queue is a party on its half. Once it has connected an agent, that agent is behind it.
    """
    index = leg_index(call, uniqueid)
    if index is not None and not is_half(call, uniqueid):
        return index
    leg = party_through(call, uniqueid)
    return index if leg is None or leg.uniqueid is None else leg_index(call, leg.uniqueid)


def fetched(call: PhoneCall, uniqueid: str) -> PhoneCall:
    """The party on that channel talks to somebody: it is parked no longer."""
    for leg in call.legs:
        if leg.parking is not None:
            break
    else:
        return call  # as nearly always
    index = party_on(call, uniqueid)
    return call if index is None else _without_parking(call, index)


def returned(call: PhoneCall, caller: str | None) -> PhoneCall:
    """That channel dials: if it was in the parking lot, its time there is over."""
    for index, leg in enumerate(call.legs):
        if leg.parked and caller is not None and caller in _channels_of(leg):
            return _returning(call, index)
    return call


def may_be_parked(call: PhoneCall) -> bool:
    """Whether one party is left that talks to nobody, so that somebody may have parked it unheard.

    The answer of who parked it may be unheard as well: then it looks as if the PBX had taken it.
    """
    up = sum(x.phase is LegPhase.UP and not x.handed_over for x in call.legs)
    known = any(x.parking is not None for x in call.legs)
    begun_ms = call.answered_ms or call.taken_ms
    return up == 1 and not known and begun_ms is not None and call.hang_up is None


def never_taken_back(call: PhoneCall) -> bool:
    """Whether a party was parked, and nobody has talked to it since."""
    return any(x.parking is not None for x in call.legs)


def with_parking_of_pbx(call: PhoneCall, alive: Mapping[str, ev.ChannelSnapshot]) -> PhoneCall:
    """The call whose parked parties are where the PBX shows them, after events were missed.

    In a parking lot a channel is in a bridge with none of its own call.
    """
    for index, leg in enumerate(call.legs):
        if leg.parking is None:
            continue
        there = [alive[x] for x in _channels_of(leg) if x in alive]
        if not there:
            continue
        bridge = there[0].bridge
        if not bridge:
            call = _returning(call, index)
        elif any(x.bridge == bridge and x is not there[0] for x in alive.values()):
            call = _without_parking(call, index)
    return call


def _channels_of(leg: Leg) -> tuple[str, ...]:
    """The channel in the lot first: half a Local channel there may give way to the party's own."""
    own = (leg.uniqueid,) if leg.uniqueid is not None else ()
    return own if leg.parking is None else (leg.parking.channel, *own)


def _returning(call: PhoneCall, index: int) -> PhoneCall:
    parking = call.legs[index].parking
    if parking is None or parking.returns:
        return call
    parking = dataclasses.replace(parking, returns=True)
    return set_leg(call, index, replace(call.legs[index], parking=parking))


def _without_parking(call: PhoneCall, index: int) -> PhoneCall:
    if call.legs[index].parking is None:
        return call
    return set_leg(call, index, replace(call.legs[index], parking=None))
