"""Calls that act on another call: when they are connected, how long they go on, how they end. Pure.

A call that listens is connected once its phone has answered. A call that picks up or fetches from
the parking lot joins the other call then, which ends it (bridge/calls/state/joining.py).
"""

from __future__ import annotations

import dataclasses

from bridge.calls.state.acts_on import ActsOn, CallAction
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.hangup_causes import NORMAL_CLEARING
from bridge.calls.state.phone_call import (
    Disposition,
    EndedBy,
    FinalRecord,
    Leg,
    LegPhase,
    PhoneCall,
    fork_channel_id,
)

TOO_LATE = 101
"""The hangup cause by which the dialplan says that there was nothing to act on any more: "message
not compatible with call state" (Q.850)."""

_OVER = {
    CallAction.PICK_UP: "the call to pick up does not ring any more",
    CallAction.UN_PARK: "the call to fetch is not parked any more",
}
_CALL_ENDED = "the call listened to has ended"


def why_over(acts_on: ActsOn) -> str:
    """The reason in the record of a call whose other call needs it no more."""
    return _OVER.get(acts_on.action, _CALL_ENDED)


def can_act_on(acts_on: ActsOn, other: PhoneCall | None) -> bool:
    """Whether the action is possible on that live call, as it is now."""
    if other is None or other.hang_up is not None:
        return False
    if acts_on.action.listens:
        return acts_on.channel in other.channels
    for leg in other.legs:
        if acts_on.channel != leg.uniqueid and acts_on.channel not in leg.other_devices:
            continue
        if acts_on.action is CallAction.UN_PARK:
            return leg.parked
        return _rings(leg)
    return False


def talking_channels(call: PhoneCall | None) -> frozenset[str]:
    """The uniqueids of the channels of the parties that talk in the call."""
    if call is None:
        return frozenset()
    talking = (x.uniqueid for x in call.legs if x.phase is LegPhase.UP and not x.handed_over)
    return frozenset(x for x in talking if x is not None)


def with_first_hung_up(call: PhoneCall, uniqueid: str, cause: int) -> PhoneCall:
    """The call after a channel of it is gone, which may say that it acted too late."""
    acts_on = call.acts_on
    first = uniqueid in (call.id, fork_channel_id(call.id))
    if acts_on is None or not first or cause != TOO_LATE:
        return call
    return replace(call, acts_on=dataclasses.replace(acts_on, too_late=True))


def listens(call: PhoneCall) -> bool:
    """Whether the call was placed to listen to another one."""
    return call.acts_on is not None and call.acts_on.action.listens


def record_of_acting(call: PhoneCall, record: FinalRecord) -> FinalRecord:
    """The record that says how the other call ended this one; else `record`, the ordinary one."""
    acts_on = call.acts_on
    if acts_on is None:
        return record
    if acts_on.too_late:
        disposition = Disposition.FAILED
    elif record.by is EndedBy.OTHER_CALL or (
        record.by is EndedBy.PBX and acts_on.action.listens and call.answered_ms is not None
    ):
        answered = call.answered_ms is not None
        disposition = Disposition.ANSWERED if answered else Disposition.NO_ANSWER
    else:
        return record
    cause = TOO_LATE if acts_on.too_late else NORMAL_CLEARING
    return FinalRecord(record.at_ms, disposition, EndedBy.OTHER_CALL, why_over(acts_on), cause)


def party_for(action: CallAction, call: PhoneCall, meant: Leg) -> Leg | None:
    """The party that the action is about, where the request means the view of `meant`.

    A listener hears that party's channel. A pick-up takes the party that rings, an UnPark the one
    that is parked, whichever view of the call is named. None: there is no such party now.
    """
    if action.listens:
        return meant if call.answered_ms is not None and meant.phase is LegPhase.UP else None
    parties = [meant, *(x for x in call.legs if x is not meant)]
    if action is CallAction.UN_PARK:
        return next((x for x in parties if x.parked and x.phase is LegPhase.UP), None)
    return next((x for x in parties if _rings(x)), None)


def _rings(leg: Leg) -> bool:
    dialled = leg.uniqueid is not None and not leg.calls_in
    return dialled and LegPhase.WAITING < leg.phase < LegPhase.UP
