"""Parties that somebody else moves on: out of a queue, out of a talk, to a service of the PBX.

No event tells of the Redirect of another AMI client. The PBX tells next of the channels beside the
moved one. In these events is the extension at which the moved channel goes on. If no such event
comes, questions.py asks the PBX (docs/parties.md).
"""

from __future__ import annotations

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.dialled_numbers import asked_number
from bridge.calls.state.effects import Result
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.handing_over import to_service
from bridge.calls.state.legs import leg_index, with_source
from bridge.calls.state.party_lookup import PartyLookup
from bridge.calls.state.phone_call import PhoneCall, Side
from bridge.calls.state.service_members import is_with, service_named, with_member, without_member


def goes_to(call: PhoneCall, uniqueid: str, exten: str, at_ms: int, parties: PartyLookup) -> Result:
    """The call whose party on that channel has left its service, if any, and goes on at `exten`.

    `exten` of the dialplan is a service, a number to be dialled, or nothing that can be dialled."""
    number = asked_number(exten)
    service = service_named(call, parties, number) if number else None
    if service is not None and is_with(call, uniqueid, service):
        return call, []
    call, effects = without_member(call, uniqueid, at_ms)
    call = replace(call, queue_exten=None)
    if service is not None and service.extension == call.called_service:
        return replace(call, left_service=False, left_unnamed=False), effects
    if service is not None:
        call, more = with_member(_left(call), service, uniqueid, at_ms)
        return with_source(call, ()), [*effects, *more]
    return (to_service(call, number) if number else _left(call)), effects


def dial_tells(call: PhoneCall, event: ev.DialBegun, parties: PartyLookup) -> Result:
    """A party whose own channel dials is with no service that has members. A queue dials its
    agents itself: its caller that dials anything else has left it."""
    if event.caller is None or leg_index(call, event.caller) is None:
        return call, []
    if not event.by_queue:
        call, effects = without_member(call, event.caller, event.at_ms)
        if call.queue_exten is not None:
            call = _left(replace(call, queue_exten=None))
        return call, effects
    if call.queue_exten == event.caller_exten:
        return call, []
    back = service_named(call, parties, event.caller_exten)
    if back is not None and back.extension == call.called_service:
        call = replace(call, left_service=False, left_unnamed=False)
    return replace(call, queue_exten=event.caller_exten), []


def end_of_dial_tells(call: PhoneCall, event: ev.DialEnded, parties: PartyLookup) -> Result:
    """A queue lets an agent go. If its caller is somewhere else in the dialplan by now, that caller
    was moved away."""
    if call.queue_exten is None or event.status is not ev.DialStatus.CANCEL:
        return call, []
    return _moved_to(call, event.caller, event.caller_exten, event.at_ms, parties)


def queue_left(call: PhoneCall, event: ev.QueueLeft, parties: PartyLookup) -> Result:
    """The same of a caller for whom no agent rings.

    Asterisk 16 tells the former extension then. So the next dial of the caller tells the rest.
    """
    known = service_named(call, parties, event.exten)
    there = event.exten == call.dialled or (known and known.extension == call.called_service)
    if call.queue_exten is None and there:
        return replace(call, queue_exten=event.exten), []
    return _moved_to(call, event.uniqueid, event.exten, event.at_ms, parties)


def _moved_to(
    call: PhoneCall, caller: str | None, exten: str, at_ms: int, parties: PartyLookup
) -> Result:
    index = None if caller is None else leg_index(call, caller)
    if caller is None or index is None or call.legs[index].side is not Side.SOURCE:
        return call, []
    if exten in ("", call.queue_exten):
        return call, []
    return goes_to(call, caller, exten, at_ms, parties)


def _left(call: PhoneCall) -> PhoneCall:
    return replace(call, left_service=call.called_service is not None, left_unnamed=True)
