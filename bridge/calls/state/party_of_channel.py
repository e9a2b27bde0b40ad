"""Which party a dialled channel is: one that was announced, one behind a Local channel, a new one.

docs/parties.md says it with pictures.
"""

from __future__ import annotations

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.devices import ringing_party, with_device
from bridge.calls.state.dialled_numbers import asked_number, dialled_number, without_prefix
from bridge.calls.state.effects import Effect
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.legs import (
    adopt,
    endpoint_of_dial,
    leg_index,
    next_view_id,
    seat,
    set_leg,
)
from bridge.calls.state.local_halves import (
    dialled_text,
    halves_before,
    is_half,
    local_half,
    outermost,
)
from bridge.calls.state.party_lookup import KnownParty, PartyLookup
from bridge.calls.state.phone_call import (
    Flow,
    Leg,
    LegPhase,
    Origin,
    PhoneCall,
    Side,
    fork_channel_id,
)
from bridge.calls.state.rung_again import without_older_rings


def assign_dialled_leg(
    call: PhoneCall, event: ev.DialBegun, parties: PartyLookup
) -> tuple[PhoneCall, list[Effect]]:
    """Give a dialled channel to the party that was dialled; a party nobody announced is added."""
    uniqueid = event.dialled.uniqueid
    known = leg_index(call, uniqueid)
    if known is not None:
        return _dial_of_found(call, known, event, parties), []
    if call.origin is Origin.API and uniqueid == call.id:
        return call, []  # the Local channel that rings several sources is not a party
    side = _side(call, event.caller)
    for index, leg in enumerate(call.legs):
        if leg.side is side and leg.uniqueid is None and _dials(leg, event.dial_string):
            return _seat_announced(call, index, event)
    if local_half(event.dialled.name):
        return call, []  # whom its other half dials, or nobody
    ringing = ringing_party(call, event.dialled, (side,), parties)
    if ringing is not None:
        return with_device(call, ringing, uniqueid), []
    party, number = _dialled(call, event, parties)
    half = _stands_behind(call, event.caller)
    for index, leg in enumerate(call.legs):
        if leg.side is side and _is_dialled_for(call, leg, half, party, number, parties):
            return _dialled_for(call, index, party, uniqueid, event.at_ms)
    call = _with_another(call, event, side, half, party, number, parties)
    return seat(call, len(call.legs) - 1, uniqueid, event.at_ms)


def _with_another(
    call: PhoneCall,
    event: ev.DialBegun,
    side: Side,
    behind: str | None,
    party: KnownParty | None,
    number: str,
    parties: PartyLookup,
) -> PhoneCall:
    view_id = next_view_id(call)
    call = without_older_rings(call, number)
    leg = Leg(
        view_id=view_id,
        side=side,
        number=number,
        spelled="",
        extension=party.extension if party else None,
        forwarded_from=_forwarder(event, parties),
        behind=behind,
    )
    call = replace(call, legs=(*call.legs, leg))
    if call.origin is Origin.TRUNK:
        # If its forward leads to a public number, the dialled extension pays.
        return adopt(call, party or parties.by_public_number(call.dialled))
    if call.origin is Origin.PHONE:
        return adopt(call, party) if party else replace(call, flow=Flow.OUTGOING)
    return call


def _seat_announced(
    call: PhoneCall, index: int, event: ev.DialBegun
) -> tuple[PhoneCall, list[Effect]]:
    uniqueid = event.dialled.uniqueid
    if local_half(event.dialled.name):
        call = set_leg(call, index, replace(call.legs[index], behind=uniqueid))
    return seat(call, index, uniqueid, event.at_ms)


def _dialled(
    call: PhoneCall, event: ev.DialBegun, parties: PartyLookup
) -> tuple[KnownParty | None, str]:
    """The party whose channel was dialled, and the dialled number; without what an outbound route
    adds."""
    number = asked_number(dialled_number(event.dial_string))
    party = parties.by_endpoint(event.dialled.endpoint) or parties.by_number(number)
    if party is not None:
        return party, party.extension
    asked = [dialled_text(half) for half in halves_before(call, event.caller)]
    return None, without_prefix(number, [*asked, call.dialled, event.dialled.caller_number])


def _stands_behind(call: PhoneCall, caller: str | None) -> str | None:
    """The half that was dialled in place of the party. The one that rings the sources of a call
    of the API was not: each of them is dialled by itself."""
    half = outermost(call, caller)
    if half is None:
        return None
    if call.origin is Origin.API and half.uniqueid == call.id:
        return half.uniqueid if any(x.behind == call.id for x in call.legs) else None
    return half.uniqueid


def _is_dialled_for(
    call: PhoneCall,
    leg: Leg,
    half: str | None,
    party: KnownParty | None,
    number: str,
    parties: PartyLookup,
) -> bool:
    """Whether a channel is dialled for a party whose Local channel was dialled before.

    A queue, IVR or conference is a party itself: it talks through its Local channel.
    """
    if half is None or leg.behind != half or leg.phase is LegPhase.GONE:
        return False
    on_half = is_half(call, leg.uniqueid)
    if not on_half and (leg.phase is LegPhase.UP or leg.uniqueid in call.channels):
        return False
    if leg.extension is not None:
        known = parties.by_number(leg.extension)
        service = known is not None and known.is_service
        return not service and party is not None and party.extension == leg.extension
    if leg.dial:
        return True  # the client asked for this number, whoever is rung for it
    return party is None and leg.number == number


def _is_public_on_half(call: PhoneCall, leg: Leg) -> bool:
    return leg.extension is None and "*" not in leg.number and is_half(call, leg.uniqueid)


def _dialled_for(
    call: PhoneCall, index: int, party: KnownParty | None, uniqueid: str, at_ms: int
) -> tuple[PhoneCall, list[Effect]]:
    """The party on another channel than before: what was said of that one is over."""
    leg = call.legs[index]
    extension = leg.extension or (party.extension if party else None)
    leg = replace(leg, extension=extension, dial_status=None, cause=None, sip_code=None)
    return seat(set_leg(call, index, leg), index, uniqueid, at_ms)


def _dial_of_found(
    call: PhoneCall, index: int, event: ev.DialBegun, parties: PartyLookup
) -> PhoneCall:
    """The party of a channel that a list showed before its dial was heard of: the dial tells more
    of it than the channel does. Of every other party the first dial counts."""
    leg = call.legs[index]
    if not leg.found or event.caller is None:
        return call
    leg = replace(leg, found=False, forwarded_from=_forwarder(event, parties))
    if not leg.dial:
        party, number = _dialled(call, event, parties)
        if leg.extension is None:
            leg = replace(leg, extension=party.extension if party else None, number=number)
        leg = replace(leg, behind=_stands_behind(call, event.caller))
    return set_leg(call, index, leg)


def _forwarder(event: ev.DialBegun, parties: PartyLookup) -> str | None:
    found = parties.by_number(event.forwarded_from) if event.forwarded_from else None
    return found.extension if found else None


def _side(call: PhoneCall, caller: str | None) -> Side:
    """The side of whom that channel dials; None: of the channel that an Originate rings.

    Before the first channel of a call is up, its other half dials the sources. Later a source in
    talk is bridged with that half: where it transfers blindly, Asterisk sends the half on to dial
    the target. No destination is dialled before all sources have been.
    """
    if caller is None:
        return Side.SOURCE if call.originated and not call.legs else Side.DESTINATION
    half = outermost(call, caller)
    by_first = half is not None and half.uniqueid == call.first_channel
    if not by_first and not (call.origin is Origin.API and caller == fork_channel_id(call.id)):
        return Side.DESTINATION
    if call.answered_ms is not None:
        return Side.DESTINATION
    asked = all(x.side is Side.SOURCE or x.uniqueid is None for x in call.legs)
    return Side.SOURCE if asked else Side.DESTINATION


def _dials(leg: Leg, dial_string: str) -> bool:
    """A phone among several is dialled by its address: `0003*210/sip:210@192.0.2.1`."""
    technology, _, resource = leg.dial.partition("/")
    if technology == "PJSIP" and "@" not in resource:
        dial_string = dial_string.partition("/")[0]
    return resource == dial_string


def assign_found_leg(
    call: PhoneCall, channel: ev.ChannelSnapshot, at_ms: int, parties: PartyLookup
) -> tuple[PhoneCall, list[Effect]]:
    """Give a channel found after missed events to its party: nobody saw who dialled it.

    The endpoint decides; sources come first, since a call has them first. The halves of Local
    channels that only ring others are not parties.
    """
    if leg_index(call, channel.uniqueid) is not None or channel.uniqueid in (
        call.id,
        fork_channel_id(call.id),
    ):
        return call, []
    # Of several sources one has answered: another one that comes now is a transfer's target.
    sources_done = call.forked and call.answered_ms is not None
    for index, leg in enumerate(call.legs):
        if leg.side is Side.SOURCE and sources_done:
            continue
        if leg.uniqueid is None and endpoint_of_dial(leg.dial) == channel.endpoint:
            return _found(*seat(call, index, channel.uniqueid, at_ms), channel)
    ringing = ringing_party(call, channel, tuple(Side), parties)
    if ringing is not None:
        return with_device(call, ringing, channel.uniqueid), []
    party = parties.by_endpoint(channel.endpoint)
    if party is None and channel.endpoint.startswith("Local/"):
        return call, []
    for index, leg in enumerate(call.legs):
        # Nothing else of a call dials a trunk while the number that was asked for has no channel.
        if party is None and _is_public_on_half(call, leg):
            return _dialled_for(call, index, None, channel.uniqueid, at_ms)
    dialled = ev.DialBegun(at_ms, None, channel, channel.caller_number)
    return _found(*assign_dialled_leg(call, dialled, parties), channel)


def _found(
    call: PhoneCall, effects: list[Effect], channel: ev.ChannelSnapshot
) -> tuple[PhoneCall, list[Effect]]:
    index = leg_index(call, channel.uniqueid)
    if index is None:
        return call, effects
    return set_leg(call, index, replace(call.legs[index], found=True)), effects
