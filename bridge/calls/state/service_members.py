"""Services that parties come to in the middle of their call: a party of the call while they are
there (docs/parties.md).

Such a party has no channel of its own. It lives as long as one of its members is with it.
"""

from __future__ import annotations

from bridge.calls.state.dialled_numbers import asked_number
from bridge.calls.state.effects import LegProgressed, LegStep, Result
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.legs import next_view_id, set_leg
from bridge.calls.state.party_lookup import KnownParty, PartyLookup
from bridge.calls.state.phone_call import Leg, LegPhase, PhoneCall, Side


def service_named(call: PhoneCall, parties: PartyLookup, *names: str) -> KnownParty | None:
    """The queue, IVR or conference with the first of these numbers that is one: short, extended or
    public."""
    for number in map(asked_number, names):
        extended = number if "*" in number else f"{call.organization}*{number}"
        found = parties.by_number(extended) or parties.by_public_number(number)
        if found is not None and found.is_service:
            return found
    return None


def is_with(call: PhoneCall, uniqueid: str, service: KnownParty) -> bool:
    """Whether the party on that channel is with this service already."""
    return any(uniqueid in x.members and x.extension == service.extension for x in call.legs)


def with_member(call: PhoneCall, service: KnownParty, uniqueid: str, at_ms: int) -> Result:
    """The call in which the party on that channel is with this service."""
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


def without_member(call: PhoneCall, uniqueid: str, at_ms: int) -> Result:
    """The call after that channel has left such a service; with its last one that is over."""
    for index, leg in enumerate(call.legs):
        if uniqueid not in leg.members:
            continue
        leg = replace(leg, members=tuple(x for x in leg.members if x != uniqueid))
        if leg.members:
            return set_leg(call, index, leg), []
        leg = replace(leg, phase=LegPhase.GONE, ended_ms=at_ms)
        return set_leg(call, index, leg), [LegProgressed(at_ms, LegStep.ENDED, leg)]
    return call, []
