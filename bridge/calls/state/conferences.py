"""Parties that come into a conference in the middle of their call, or leave one (docs/parties.md).

An AMI client moves them there by a Redirect, a phone by a transfer, or the dialplan by itself. The
Redirect is told by no event. That a channel has come into a conference, or left it, is.
"""

from __future__ import annotations

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.call_progress import connect
from bridge.calls.state.dialled_numbers import asked_number
from bridge.calls.state.effects import Effect, Result
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.handing_over import to_service
from bridge.calls.state.legs import leg_index, set_leg, with_source
from bridge.calls.state.local_halves import is_half
from bridge.calls.state.moved_on import goes_to
from bridge.calls.state.originated import goes_out
from bridge.calls.state.parking import party_on
from bridge.calls.state.party_lookup import PartyLookup
from bridge.calls.state.phone_call import LegPhase, PhoneCall, Side
from bridge.calls.state.service_members import service_named, with_member, without_member


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
    # By the number at which the dialplan runs it, else by its name there.
    service = service_named(call, parties, event.exten, event.conference)
    if service is None:
        return _at_no_extension(call, number), effects
    if service.extension == call.called_service:
        return replace(call, left_service=False, left_unnamed=False), effects
    call, more = with_member(_left(call), service, event.uniqueid, event.at_ms)
    # The caller of this party may be gone already.
    call, connected = connect(with_source(call, ()), event.at_ms)
    return call, [*effects, *more, *connected]


def conference_left(call: PhoneCall, event: ev.ConferenceLeft, parties: PartyLookup) -> Result:
    """The party on that channel is not in its conference any more, as it also is at its end.

    If somebody else has moved it, the PBX says where it goes on.
    """
    call = with_muted(call, event.uniqueid, muted=False)
    index = leg_index(call, event.uniqueid)
    if index is None or is_half(call, event.uniqueid):
        return call, []
    after, effects = without_member(call, event.uniqueid, event.at_ms)
    was = call.called_service
    if after is not call:
        was = next(x.extension for x in call.legs if event.uniqueid in x.members)
    service = service_named(call, parties, event.exten)
    if service is not None and service.extension == was:
        return (_left(call), []) if after is call else (after, effects)
    after, more = goes_to(after, event.uniqueid, event.exten, event.at_ms, parties)
    return after, [*effects, *more]


def with_muted(call: PhoneCall, uniqueid: str, *, muted: bool) -> PhoneCall:
    """The call whose party on that channel of a conference, or behind it, is muted there or not."""
    index = party_on(call, uniqueid)
    if index is None or call.legs[index].muted is muted:
        return call
    return set_leg(call, index, replace(call.legs[index], muted=muted))


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
