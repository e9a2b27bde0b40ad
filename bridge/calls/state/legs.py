"""The parties of a call: giving the first one its channel, and moving a party on."""

from __future__ import annotations

from collections.abc import Container

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.dialled_numbers import asked_number
from bridge.calls.state.effects import Effect, LegProgressed, LegStep
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.local_halves import is_half, local_half
from bridge.calls.state.party_lookup import KnownParty, PartyLookup
from bridge.calls.state.phone_call import (
    Leg,
    LegPhase,
    Origin,
    PhoneCall,
    Side,
)
from bridge.calls.state.shown_caller_ids import of_no_extension
from bridge.directory.caller_ids import CallerId

_STEP_OF_PHASE = {
    LegPhase.TRYING: LegStep.DIALLED,
    LegPhase.RINGING: LegStep.RINGING,
    LegPhase.UP: LegStep.ANSWERED,
}


def leg_index(call: PhoneCall, uniqueid: str) -> int | None:
    """The place in `call.legs` of the party on that channel; one that has moved is in none."""
    for index, leg in enumerate(call.legs):
        if (leg.uniqueid == uniqueid or uniqueid in leg.other_devices) and not leg.moved:
            return index
    return None


def set_leg(call: PhoneCall, index: int, leg: Leg) -> PhoneCall:
    """The call with `leg` at that place of `call.legs`."""
    return replace(call, legs=(*call.legs[:index], leg, *call.legs[index + 1 :]))


def advance(leg: Leg, phase: LegPhase, at_ms: int) -> tuple[Leg, LegStep | None]:
    """The leg at `phase` and the step this is; unchanged and None where it was there already."""
    if phase <= leg.phase:
        return leg, None
    if phase is LegPhase.RINGING:
        return replace(leg, phase=phase, ringing_ms=at_ms), LegStep.RINGING
    if phase is LegPhase.UP:
        answered_ms = max(at_ms, leg.ringing_ms or at_ms)
        return replace(leg, phase=phase, answered_ms=answered_ms), LegStep.ANSWERED
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
        return _assign_first_of_api(call, channel, at_ms)
    if channel.uniqueid != call.linkedid or any(leg.side is Side.SOURCE for leg in call.legs):
        return call, []
    if local_half(channel.name):
        return call, []
    party = parties.by_endpoint(channel.endpoint)
    if call.originated and party is None:
        return call, []  # its number is in the dial that follows
    shown_number = channel.caller_number if party else of_no_extension(channel.caller_number)
    number = party.extension if party else shown_number
    leg = Leg(
        view_id=next_view_id(call),
        side=Side.SOURCE,
        number=number,
        spelled="",
        extension=party.extension if party else None,
        calls_in=not call.originated and channel.state is not ev.ChannelState.RINGING,
    )
    dialled = "" if call.originated else asked_number(channel.exten)
    call = replace(call, legs=(*call.legs, leg), dialled=call.dialled or dialled)
    if shown_number and call.destination_caller_id is None:
        shown = CallerId(channel.caller_name, shown_number)
        call = replace(call, destination_caller_id=shown)
    call = adopt(call, party)
    service = dialled_service(call.dialled, party, parties)
    if service is not None:
        call = calls_service(call, service)
    return seat(call, len(call.legs) - 1, channel.uniqueid, at_ms)


def _assign_first_of_api(
    call: PhoneCall, channel: ev.ChannelSnapshot, at_ms: int
) -> tuple[PhoneCall, list[Effect]]:
    if channel.uniqueid != call.id or not call.legs:
        return call, []
    source = call.legs[0]
    if endpoint_of_dial(source.dial) != channel.endpoint:
        return call, []  # the Local channel that rings the sources
    if source.uniqueid is not None:
        return call, []  # a party keeps its channel, whatever the PBX says afterwards
    if local_half(channel.name):
        call = set_leg(call, 0, replace(source, behind=channel.uniqueid))
    return seat(call, 0, channel.uniqueid, at_ms)


def dialled_service(
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


def calls_service(call: PhoneCall, service: KnownParty) -> PhoneCall:
    """The call whose source has dialled that queue, IVR or conference."""
    call = replace(call, called_service=service.extension, through_ivr=service.is_ivr)
    return adopt(call, service)


def dials_on(call: PhoneCall, caller: str | None) -> PhoneCall:
    """A called party whose channel dials was transferred by the source: it is the source now."""
    index = None if caller is None else leg_index(call, caller)
    if index is None or call.legs[index].side is Side.SOURCE:
        return call
    return _taking_over(call, index)


def _taking_over(call: PhoneCall, index: int) -> PhoneCall:
    return set_leg(call, index, replace(call.legs[index], side=Side.SOURCE, took_over=True))


def seat(call: PhoneCall, index: int, uniqueid: str, at_ms: int) -> tuple[PhoneCall, list[Effect]]:
    """The party gets this channel, instead of the one that it had."""
    leg = replace(call.legs[index], uniqueid=uniqueid)
    leg, step = advance(leg, LegPhase.TRYING, at_ms)
    call = set_leg(call, index, leg)
    return call, [LegProgressed(at_ms, step, leg)] if step else []


def with_source(call: PhoneCall, leaving: Container[str]) -> PhoneCall:
    """A call whose source hands it over and leaves: the party that stays is its source now.

    `leaving`: uniqueids of the channels that are about to go.
    """
    staying = [
        index
        for index, leg in enumerate(call.legs)
        if leg.uniqueid is not None
        and leg.uniqueid not in leaving
        and not leg.handed_over
        and LegPhase.WAITING < leg.phase < LegPhase.GONE
    ]
    if any(call.legs[index].side is Side.SOURCE for index in staying):
        return call
    up = [index for index in staying if call.legs[index].phase is LegPhase.UP]
    # An agent before the queue that has connected it: a queue is on half a Local channel.
    phones = [index for index in up if not is_half(call, call.legs[index].uniqueid)]
    return _taking_over(call, (phones or up)[0]) if up else call


def adopt(call: PhoneCall, party: KnownParty | None) -> PhoneCall:
    """A call that nobody ordered is paid by the first extension in it."""
    if party is None:
        return call
    return paid_by(call, party.extension, party.extension, party.user_id, party.organization)


def paid_by(
    call: PhoneCall,
    extension: str | None,
    spelled: str,
    user_id: int | None,
    organization: str | None,
) -> PhoneCall:
    """The call with this payer, unless it has one."""
    if call.extension is not None:
        return call
    return replace(
        call,
        extension=extension,
        extension_spelled=spelled,
        user_id=user_id,
        organization=organization,
    )


def next_view_id(call: PhoneCall) -> str:
    """The id of the view of the party that is added next: two digits or more, counted from 00."""
    return f"{int(call.legs[-1].view_id) + 1:02d}" if call.legs else "00"


def endpoint_of_dial(dial: str) -> str:
    """The endpoint that dialling this rings: `PJSIP/123@trunk` rings `PJSIP/trunk`."""
    technology, _, resource = dial.partition("/")
    if technology == "Local":
        return dial.removesuffix("/n")
    user, at, peer = resource.partition("@")
    return f"{technology}/{peer if at else user}"
