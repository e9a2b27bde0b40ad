"""Several phones of one party: they ring as one, and the first to answer is the party's."""

from __future__ import annotations

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.hangup_causes import NO_ANSWER, NO_ROUTE
from bridge.calls.state.legs import set_leg
from bridge.calls.state.party_lookup import PartyLookup
from bridge.calls.state.phone_call import Leg, LegPhase, PhoneCall, Side

_RINGS = (LegPhase.TRYING, LegPhase.RINGING)


def ringing_party(
    call: PhoneCall, channel: ev.ChannelSnapshot, sides: tuple[Side, ...], parties: PartyLookup
) -> int | None:
    """The place of the party of which another phone rings already, on another channel."""
    party = parties.by_endpoint(channel.endpoint)
    if party is None:
        return None  # a trunk: each number on it is a party
    for index, leg in enumerate(call.legs):
        known = call.channels.get(leg.uniqueid or "")
        if leg.side not in sides or leg.phase not in _RINGS or leg.calls_in or known is None:
            continue
        if leg.extension == party.extension and known.endpoint == channel.endpoint:
            return index
    return None


def with_device(call: PhoneCall, index: int, uniqueid: str) -> PhoneCall:
    """The call with one more phone of that party, on the channel `uniqueid`.

    `index`: its place in `call.legs`.
    """
    leg = call.legs[index]
    leg = replace(leg, other_devices=(*leg.other_devices, uniqueid))
    return set_leg(call, index, leg)


def answers_on(call: PhoneCall, index: int, uniqueid: str) -> PhoneCall:
    """The party answers on this channel, unless it has answered on another."""
    leg = call.legs[index]
    if leg.uniqueid == uniqueid or leg.phase >= LegPhase.UP or leg.uniqueid is None:
        return call
    others = (leg.uniqueid, *(x for x in leg.other_devices if x != uniqueid))
    leg = replace(leg, uniqueid=uniqueid, other_devices=others)
    return set_leg(call, index, leg)


def without_device(
    call: PhoneCall, index: int, uniqueid: str, status: ev.DialStatus | None = None
) -> PhoneCall:
    """The call without that phone of the party; the same one where the party goes with it.

    `status`: what the phone has said, if another one is the party's.
    """
    leg = call.legs[index]
    others = tuple(x for x in leg.other_devices if x != uniqueid)
    if leg.uniqueid != uniqueid:
        leg = replace(leg, other_devices=others, refused=_said_first(leg, status))
    elif others and leg.phase < LegPhase.UP:
        # The refusal of one phone does not count for the party, because another one still rings.
        refused = _said_first(leg, leg.dial_status)
        leg = replace(leg, uniqueid=others[0], other_devices=others[1:], dial_status=None)
        leg = replace(leg, refused=refused)
    else:
        return call
    return set_leg(call, index, leg)


_CAUSES = {ev.DialStatus.BUSY: 17, ev.DialStatus.NOANSWER: NO_ANSWER}


def _said_first(leg: Leg, status: ev.DialStatus | None) -> ev.DialStatus | None:
    return leg.refused or (status if status in _CAUSES else None)


def with_refusal(leg: Leg) -> Leg:
    """The party whose last phone is gone: where that was not there at all, another one decides.

    Each edge of several is asked for a phone, and one that does not have it may say so last.
    """
    if leg.cause != NO_ROUTE or leg.refused is None:
        return leg
    return replace(leg, dial_status=leg.refused, cause=_CAUSES[leg.refused], sip_code=None)
