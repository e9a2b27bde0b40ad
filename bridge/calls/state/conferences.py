"""Parties that come into a conference in the middle of their call, or leave one (docs/parties.md).

An AMI client moves them there by a Redirect, a phone by a transfer, or the dialplan by itself. The
Redirect is told by no event. That a channel has come into a conference, or left it, is.
"""

from __future__ import annotations

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.call_progress import connect
from bridge.calls.state.dialled_numbers import asked_number
from bridge.calls.state.effects import Effect, LegProgressed, LegStep, Result
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.handing_over import to_service
from bridge.calls.state.legs import leg_index, next_view_id, set_leg, with_source
from bridge.calls.state.local_halves import is_half
from bridge.calls.state.originated import goes_out
from bridge.calls.state.party_lookup import KnownParty, PartyLookup
from bridge.calls.state.phone_call import Leg, LegPhase, PhoneCall, Side


def conference_joined(call: PhoneCall, event: ev.ConferenceJoined, parties: PartyLookup) -> Result:
    """The party on that channel is in a conference: that is a party of the call from now on, unless
    the party dialled it."""
    index = leg_index(call, event.uniqueid)
    if index is None or call.legs[index].phase is LegPhase.GONE or is_half(call, event.uniqueid):
        return call, []  # half a Local channel: what it was dialled for is a party already
    effects: list[Effect] = []
    number = asked_number(event.exten)
    if call.originated and not call.dialled:
        call, effects = goes_out(call, event.at_ms, number, parties)
        call, connected = connect(call, event.at_ms)
        effects += connected
    service = _conference(call, event, parties)
    if service is None:
        return _at_no_extension(call, number), effects
    if service.extension == call.called_service:
        return replace(call, left_service=False, left_unnamed=False), effects
    call, more = _with_member(_left(call), service, event)
    # The caller of this party may be gone already.
    return with_source(call, ()), [*effects, *more]


def conference_left(call: PhoneCall, event: ev.ConferenceLeft, _: PartyLookup) -> Result:
    """The party on that channel is not in its conference any more, as it also is at its end."""
    index = leg_index(call, event.uniqueid)
    if index is None or is_half(call, event.uniqueid):
        return call, []
    after, effects = without_member(call, event.uniqueid, event.at_ms)
    return (_left(call), []) if after is call else (after, effects)


def without_member(call: PhoneCall, uniqueid: str, at_ms: int) -> Result:
    """The call after that channel has left its conference; with its last one that is over."""
    for index, leg in enumerate(call.legs):
        if uniqueid not in leg.members:
            continue
        leg = replace(leg, members=tuple(x for x in leg.members if x != uniqueid))
        if leg.members:
            return set_leg(call, index, leg), []
        leg = replace(leg, phase=LegPhase.GONE, ended_ms=at_ms)
        return set_leg(call, index, leg), [LegProgressed(at_ms, LegStep.ENDED, leg)]
    return call, []


def _conference(
    call: PhoneCall, event: ev.ConferenceJoined, parties: PartyLookup
) -> KnownParty | None:
    """The conference by the number at which the dialplan runs it, else by its name there."""
    for number in (asked_number(event.exten), event.conference):
        extended = number if "*" in number else f"{call.organization}*{number}"
        found = parties.by_number(extended) or parties.by_public_number(number)
        if found is not None and found.is_service:
            return found
    return None


def _with_member(call: PhoneCall, service: KnownParty, event: ev.ConferenceJoined) -> Result:
    at_ms, uniqueid = event.at_ms, event.uniqueid
    for index, leg in enumerate(call.legs):
        if leg.members and leg.extension == service.extension:
            if uniqueid in leg.members:
                return call, []
            return set_leg(call, index, replace(leg, members=(*leg.members, uniqueid))), []
    leg = Leg(
        view_id=next_view_id(call),
        side=Side.DESTINATION,
        number=service.extension,
        spelled="",
        extension=service.extension,
        phase=LegPhase.UP,
        answered_ms=at_ms,
        members=(uniqueid,),
    )
    steps = (LegStep.DIALLED, LegStep.ANSWERED)
    return replace(call, legs=(*call.legs, leg)), [LegProgressed(at_ms, x, leg) for x in steps]


def _at_no_extension(call: PhoneCall, number: str) -> PhoneCall:
    """A party that talked to another is in a conference outside the directory: the call goes to its
    number, as in a parking lot."""
    moved = number and any(x.side is Side.DESTINATION for x in call.legs)
    return to_service(call, number) if moved else call


def _left(call: PhoneCall) -> PhoneCall:
    """The call that is not at the service any more that its source dialled."""
    if call.called_service is None or call.left_service:
        return call
    return replace(call, left_service=True, left_unnamed=True)
