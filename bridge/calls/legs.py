"""Which channel is which party: giving legs their channels, and moving a leg on."""

from __future__ import annotations

from collections.abc import Container

from bridge.calls import pbx_events as ev
from bridge.calls.effects import Effect, LegChanged, LegStep
from bridge.calls.parties import KnownParty, PartyLookup
from bridge.calls.pbx import CallerId
from bridge.calls.phone_call import (
    Flow,
    Leg,
    LegPhase,
    Origin,
    PhoneCall,
    Side,
    fork_channel_id,
)
from bridge.calls.replace import replace

_STEP_OF_PHASE = {
    LegPhase.TRYING: LegStep.DIALLED,
    LegPhase.RINGING: LegStep.RINGING,
    LegPhase.UP: LegStep.ANSWERED,
}


def leg_index(call: PhoneCall, uniqueid: str) -> int | None:
    """The place in `call.legs` of the party on that channel."""
    for index, leg in enumerate(call.legs):
        if leg.uniqueid == uniqueid:
            return index
    return None


def set_leg(call: PhoneCall, index: int, leg: Leg) -> PhoneCall:
    return replace(call, legs=(*call.legs[:index], leg, *call.legs[index + 1 :]))


def advance(leg: Leg, phase: LegPhase, at_ms: int) -> tuple[Leg, LegStep | None]:
    """The leg at `phase` and the step this is; unchanged and None where it was there already."""
    if phase <= leg.phase:
        return leg, None
    if phase is LegPhase.RINGING:
        return replace(leg, phase=phase, ringing_ms=at_ms), LegStep.RINGING
    if phase is LegPhase.UP:
        return replace(leg, phase=phase, answered_ms=at_ms), LegStep.ANSWERED
    return replace(leg, phase=phase), _STEP_OF_PHASE[phase]


def assign_first_leg(
    call: PhoneCall, channel: ev.ChannelSnapshot, at_ms: int, parties: PartyLookup
) -> tuple[PhoneCall, list[Effect]]:
    """Give the call's first channel to its source, where the channel itself says who it is.

    All other channels wait for DialBegun, which says who dialled them.
    """
    if leg_index(call, channel.uniqueid) is not None:
        return call, []
    if call.origin is Origin.API:
        if channel.uniqueid != call.id or call.forked or not call.legs:
            return call, []
        if call.legs[0].uniqueid is not None:
            return call, []  # a party keeps its channel, whatever the PBX says afterwards
        return _seat(call, 0, channel.uniqueid, at_ms)
    if channel.uniqueid != call.linkedid or any(leg.side is Side.SOURCE for leg in call.legs):
        return call, []
    party = parties.by_endpoint(channel.endpoint)
    number = party.extension if party else channel.caller_number
    leg = Leg(
        view_id=_next_view_id(call),
        side=Side.SOURCE,
        number=number,
        spelled=number,
        extension=party.extension if party else None,
        calls_in=channel.state is not ev.ChannelState.RINGING,
    )
    call = replace(call, legs=(*call.legs, leg), dialled=call.dialled or channel.exten)
    if channel.caller_number and call.destination_caller_id is None:
        shown = CallerId(channel.caller_name, channel.caller_number)
        call = replace(call, destination_caller_id=shown)
    call = _adopt(call, party)
    service = _dialled_service(call.dialled, party, parties)
    if service is not None:
        call = _adopt(replace(call, called_service=service.extension), service)
    return _seat(call, len(call.legs) - 1, channel.uniqueid, at_ms)


def _dialled_service(
    dialled: str, caller: KnownParty | None, parties: PartyLookup
) -> KnownParty | None:
    """The queue, IVR or conference behind the digits, as the caller's phone or the trunk dials."""
    if caller is None:
        found = parties.by_public_number(dialled)
    elif "*" in dialled:
        found = parties.by_number(dialled)
    else:
        found = parties.by_number(f"{caller.organization}*{dialled}")
    return found if found is not None and found.is_service else None


def assign_dialled_leg(
    call: PhoneCall, event: ev.DialBegun, parties: PartyLookup
) -> tuple[PhoneCall, list[Effect]]:
    """Give a dialled channel to the party that was dialled; a party nobody announced is added."""
    uniqueid = event.dialled.uniqueid
    if leg_index(call, uniqueid) is not None:
        return call, []
    if call.origin is Origin.API and uniqueid == call.id:
        return call, []  # the Local channel that rings several sources is no party
    from_fork = call.origin is Origin.API and event.caller == fork_channel_id(call.id)
    side = Side.SOURCE if from_fork else Side.DESTINATION
    for index, leg in enumerate(call.legs):
        if leg.side is side and leg.uniqueid is None and _dials(leg, event.dial_string):
            return _seat(call, index, uniqueid, event.at_ms)
    number = event.dial_string.partition("@")[0].partition("/")[0]
    party = parties.by_endpoint(event.dialled.endpoint) or parties.by_number(number)
    if party is not None:
        number = party.extension
    leg = Leg(
        view_id=_next_view_id(call),
        side=side,
        number=number,
        spelled=number,
        extension=party.extension if party else None,
    )
    call = replace(call, legs=(*call.legs, leg))
    if call.origin is Origin.TRUNK:
        call = _adopt(call, party)
    elif call.origin is Origin.PHONE and party is None:
        call = replace(call, flow=Flow.OUTGOING)
    return _seat(call, len(call.legs) - 1, uniqueid, event.at_ms)


def dials_on(call: PhoneCall, caller: str | None) -> PhoneCall:
    """A called party whose channel dials was transferred by the source: it is the source now."""
    index = None if caller is None else leg_index(call, caller)
    if index is None or call.legs[index].side is Side.SOURCE:
        return call
    return set_leg(call, index, replace(call.legs[index], side=Side.SOURCE))


def _seat(call: PhoneCall, index: int, uniqueid: str, at_ms: int) -> tuple[PhoneCall, list[Effect]]:
    leg = replace(call.legs[index], uniqueid=uniqueid)
    leg, step = advance(leg, LegPhase.TRYING, at_ms)
    call = set_leg(call, index, leg)
    return call, [LegChanged(at_ms, step, leg)] if step else []


def with_source(call: PhoneCall, leaving: Container[str]) -> PhoneCall:
    """A call whose source hands it over and leaves: the party that stays is its source now.

    `leaving`: uniqueids of the channels that are about to go.
    """
    staying = [
        index
        for index, leg in enumerate(call.legs)
        if leg.uniqueid is not None
        and leg.uniqueid not in leaving
        and LegPhase.WAITING < leg.phase < LegPhase.GONE
    ]
    if any(call.legs[index].side is Side.SOURCE for index in staying):
        return call
    for index in staying:
        if call.legs[index].phase is LegPhase.UP:
            return set_leg(call, index, replace(call.legs[index], side=Side.SOURCE))
    return call


def _adopt(call: PhoneCall, party: KnownParty | None) -> PhoneCall:
    """A call that nobody ordered is paid by the first extension in it."""
    if party is None or call.extension is not None:
        return call
    return replace(
        call,
        extension=party.extension,
        extension_spelled=party.extension,
        user_id=party.user_id,
        organization=party.organization,
    )


def _dials(leg: Leg, dial_string: str) -> bool:
    return leg.dial.partition("/")[2] == dial_string


def _next_view_id(call: PhoneCall) -> str:
    return f"{len(call.legs):02d}"


def assign_found_leg(
    call: PhoneCall, channel: ev.ChannelSnapshot, at_ms: int, parties: PartyLookup
) -> tuple[PhoneCall, list[Effect]]:
    """Give a channel found after missed events to its party: nobody saw who dialled it.

    The endpoint decides; sources come first, since a call has them first. The halves of Local
    channels that only ring others are no party.
    """
    if leg_index(call, channel.uniqueid) is not None or channel.uniqueid in (
        call.id,
        fork_channel_id(call.id),
    ):
        return call, []
    for index, leg in enumerate(call.legs):
        if leg.uniqueid is None and _endpoint_of(leg.dial) == channel.endpoint:
            return _seat(call, index, channel.uniqueid, at_ms)
    party = parties.by_endpoint(channel.endpoint)
    if party is None and channel.endpoint.startswith("Local/"):
        return call, []
    dialled = ev.DialBegun(at_ms, None, channel, channel.caller_number)
    return assign_dialled_leg(call, dialled, parties)


def _endpoint_of(dial: str) -> str:
    """The endpoint that dialling this rings: `PJSIP/123@trunk` rings `PJSIP/trunk`."""
    technology, _, resource = dial.partition("/")
    if technology == "Local":
        return dial.removesuffix("/n")
    user, at, peer = resource.partition("@")
    return f"{technology}/{peer if at else user}"
