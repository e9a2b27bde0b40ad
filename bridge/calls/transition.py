"""The call state machine: pure and total.

`apply` takes a call and one event of the PBX and returns the call after it, and what follows from
it. Unknown, repeated or late events change nothing: a phase never goes back, a channel that is gone
stays gone, a final record is never replaced. A recorded event stream replays to the same result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.calls import pbx_events as ev
from bridge.calls.effects import (
    CallConnected,
    CallEnded,
    CallTransferred,
    Effect,
    HangUpChannel,
    LegChanged,
    LegStep,
)
from bridge.calls.final_record import conclude
from bridge.calls.legs import (
    advance,
    assign_dialled_leg,
    assign_first_leg,
    dials_on,
    leg_index,
    set_leg,
    with_source,
)
from bridge.calls.parties import PartyLookup
from bridge.calls.phone_call import (
    CallChannel,
    Disposition,
    EndedBy,
    FinalRecord,
    HangUpMark,
    LegPhase,
    Origin,
    PhoneCall,
    Side,
)
from bridge.calls.replace import replace

Result = tuple[PhoneCall, list[Effect]]


def apply(call: PhoneCall, event: ev.PbxEvent, parties: PartyLookup) -> Result:
    """The call after `event`, and the effects. An ended call does not change any more."""
    if call.final is not None:
        return call, []
    handler = _HANDLERS.get(type(event))
    return handler(call, event, parties) if handler is not None else (call, [])


def mark_hang_up(call: PhoneCall, by: EndedBy, at_ms: int) -> PhoneCall:
    """The call is to end; whatever channel of it appears later is hung up. The first mark stays."""
    return call if call.hang_up is not None else replace(call, hang_up=HangUpMark(by, at_ms))


def confirm_hang_up(call: PhoneCall, *, confirmed: bool = True) -> PhoneCall:
    """The PBX has ended the call's first channel, with which the others go; or forget that."""
    mark = call.hang_up
    if mark is None or mark.confirmed is confirmed:
        return call
    return replace(call, hang_up=HangUpMark(mark.by, mark.at_ms, confirmed))


def end(call: PhoneCall, final: FinalRecord) -> Result:
    """End the call with this record, whatever its state; an ended call keeps its first record."""
    if call.final is not None:
        return call, []
    effects: list[Effect] = []
    for index, leg in enumerate(call.legs):
        if leg.phase is not LegPhase.GONE:
            if leg.phase is not LegPhase.WAITING:
                effects.append(LegChanged(final.at_ms, LegStep.ENDED, leg))
            gone = replace(leg, phase=LegPhase.GONE, ended_ms=final.at_ms)
            call = set_leg(call, index, gone)
    call = replace(call, channels={}, final=final)
    return call, [*effects, CallEnded(final)]


def _appeared(call: PhoneCall, event: ev.ChannelAppeared, parties: PartyLookup) -> Result:
    known = event.uniqueid in call.channels
    call = _with_channel(call, event.channel, event.at_ms)
    call, effects = assign_first_leg(call, event.channel, event.at_ms, parties)
    call, more = _state(call, event.uniqueid, event.channel.state, event.at_ms)
    effects += more
    if not known and _is_to_go(call):
        effects.append(HangUpChannel(event.uniqueid))
    return call, effects


def _state_changed(call: PhoneCall, event: ev.ChannelStateChanged, _: PartyLookup) -> Result:
    return _state(call, event.uniqueid, event.state, event.at_ms)


def _state(call: PhoneCall, uniqueid: str, state: ev.ChannelState, at_ms: int) -> Result:
    channel = call.channels.get(uniqueid)
    if channel is None:
        return call, []
    if channel.state is not state and channel.state is not ev.ChannelState.UP:
        channels = {**call.channels, uniqueid: replace(channel, state=state)}
        call = replace(call, channels=channels)
    phase = PHASE_OF_STATE.get(state)
    index = leg_index(call, uniqueid)
    if phase is None or index is None:
        return call, []
    return _reach(call, index, phase, at_ms)


def _reach(call: PhoneCall, index: int, phase: LegPhase, at_ms: int) -> Result:
    """Bring a leg to `phase` if it is further on, and the call with it."""
    leg, step = advance(call.legs[index], phase, at_ms)
    if step is None:
        return call, []
    call = set_leg(call, index, leg)
    effects: list[Effect] = [LegChanged(at_ms, step, leg)]
    if step is LegStep.RINGING and call.ringing_ms is None:
        call = replace(call, ringing_ms=at_ms)
    if call.answered_ms is None and _connected(call):
        call = replace(call, answered_ms=at_ms)
        effects.append(CallConnected(at_ms))
    return call, effects


def _connected(call: PhoneCall) -> bool:
    up = {leg.side for leg in call.legs if leg.phase is LegPhase.UP}
    if Side.SOURCE not in up:
        return False
    if Side.DESTINATION in up:
        return True
    # A phone that dialled a service of the PBX itself (echo, queue, IVR) talks to no other channel.
    return call.origin is not Origin.API and all(leg.side is Side.SOURCE for leg in call.legs)


def _dial_begun(call: PhoneCall, event: ev.DialBegun, parties: PartyLookup) -> Result:
    effects: list[Effect] = []
    uniqueid = event.dialled.uniqueid
    if uniqueid not in call.channels:
        call = _with_channel(call, event.dialled, event.at_ms)
        if _is_to_go(call):
            effects.append(HangUpChannel(uniqueid))
    call = dials_on(call, event.caller)
    call, more = assign_dialled_leg(call, event, parties)
    if more:
        call = replace(call, first_to_hang_up=None)
    call, reached = _state(call, uniqueid, event.dialled.state, event.at_ms)
    return call, [*effects, *more, *reached]


def _dial_ended(call: PhoneCall, event: ev.DialEnded, _: PartyLookup) -> Result:
    index = leg_index(call, event.dialled_uniqueid)
    if index is None:
        return call, []
    call = set_leg(call, index, replace(call.legs[index], dial_status=event.status))
    if event.status is ev.DialStatus.ANSWER:
        return _reach(call, index, LegPhase.UP, event.at_ms)
    return call, []


def _originate_ended(call: PhoneCall, event: ev.OriginateEnded, _: PartyLookup) -> Result:
    if event.call_id != call.id or call.originate_reason is not None:
        return call, []
    call = replace(call, originate_reason=event.reason)
    if event.succeeded:
        index = leg_index(call, call.id)
        if index is None:
            return call, []
        if call.legs[index].phase is LegPhase.GONE and not call.channels:
            # Its phone sent the PBX elsewhere (302): another channel, of which we know nothing.
            record = FinalRecord(event.at_ms, Disposition.UNKNOWN, EndedBy.SOURCE, "forwarded")
            return end(call, record)
        return _reach(call, index, LegPhase.UP, event.at_ms)
    # Without a channel there will be no Hangup: this is the only word about the end (asterisk.md).
    return (call, []) if call.channels else end(call, conclude(call, event.at_ms))


def _hangup_requested(call: PhoneCall, event: ev.HangupRequested, _: PartyLookup) -> Result:
    index = leg_index(call, event.uniqueid)
    if index is None or call.first_to_hang_up is not None:
        return call, []
    leg = call.legs[index]
    # One of several ringing phones that refuses does not end the call.
    if leg.phase is not LegPhase.UP and not leg.calls_in:
        return call, []
    return replace(call, first_to_hang_up=leg.side), []


def _hung_up(call: PhoneCall, event: ev.ChannelHungUp, _: PartyLookup) -> Result:
    if event.uniqueid not in call.channels:
        return call, []
    call = _without_channel(call, event.uniqueid)
    effects: list[Effect] = []
    index = leg_index(call, event.uniqueid)
    if index is not None:
        leg = replace(
            call.legs[index],
            phase=LegPhase.GONE,
            ended_ms=event.at_ms,
            on_hold_ms=None,
            cause=event.cause,
            sip_code=event.sip_code,
        )
        call = set_leg(call, index, leg)
        effects.append(LegChanged(event.at_ms, LegStep.ENDED, leg))
    if call.channels or originate_still_open(call):
        return call, effects
    call, ended = end(call, conclude(call, event.at_ms))
    return call, [*effects, *ended]


def originate_still_open(call: PhoneCall) -> bool:
    """OriginateResponse is still to come: it alone tells no answer from busy and refused."""
    if call.origin is not Origin.API or call.originate_reason is not None:
        return False
    return all(leg.answered_ms is None for leg in call.legs)


def _hold_begun(call: PhoneCall, event: ev.HoldBegun, _: PartyLookup) -> Result:
    return _hold(call, event.uniqueid, event.at_ms)


def _hold_ended(call: PhoneCall, event: ev.HoldEnded, _: PartyLookup) -> Result:
    return _hold(call, event.uniqueid, None)


def _hold(call: PhoneCall, uniqueid: str, since_ms: int | None) -> Result:
    index = leg_index(call, uniqueid)
    if index is None or call.legs[index].phase is LegPhase.GONE:
        return call, []
    return set_leg(call, index, replace(call.legs[index], on_hold_ms=since_ms)), []


def _transferred(call: PhoneCall, event: ev.Transferred, _: PartyLookup) -> Result:
    index = leg_index(call, event.transferer)
    leg = None if index is None else call.legs[index]
    if not event.succeeded:
        return call, []
    call = replace(with_source(call, (event.transferer,)), first_to_hang_up=None)
    if not event.attended:
        left = call.called_service is not None
        call = replace(call, dialled=event.target, left_service=left)
    return call, [CallTransferred(event.at_ms, leg, event.target, event.attended)]


def _is_to_go(call: PhoneCall) -> bool:
    return call.hang_up is not None and not call.hang_up.confirmed


def _with_channel(call: PhoneCall, snapshot: ev.ChannelSnapshot, at_ms: int) -> PhoneCall:
    if snapshot.uniqueid in call.channels:
        return call
    index = leg_index(call, snapshot.uniqueid)
    if index is not None and call.legs[index].phase is LegPhase.GONE:
        return call
    channel = CallChannel(snapshot.uniqueid, snapshot.endpoint, snapshot.state, at_ms)
    return replace(call, channels={**call.channels, snapshot.uniqueid: channel})


def _without_channel(call: PhoneCall, uniqueid: str) -> PhoneCall:
    return replace(call, channels={k: v for k, v in call.channels.items() if k != uniqueid})


PHASE_OF_STATE = {
    ev.ChannelState.DOWN: LegPhase.TRYING,
    ev.ChannelState.DIALING: LegPhase.TRYING,
    ev.ChannelState.RING: LegPhase.TRYING,
    ev.ChannelState.RINGING: LegPhase.RINGING,
    ev.ChannelState.UP: LegPhase.UP,
}

_HANDLERS: dict[type[ev.PbxEvent], Callable[[PhoneCall, Any, PartyLookup], Result]] = {
    ev.ChannelAppeared: _appeared,
    ev.ChannelStateChanged: _state_changed,
    ev.DialBegun: _dial_begun,
    ev.DialEnded: _dial_ended,
    ev.OriginateEnded: _originate_ended,
    ev.HangupRequested: _hangup_requested,
    ev.ChannelHungUp: _hung_up,
    ev.HoldBegun: _hold_begun,
    ev.HoldEnded: _hold_ended,
    ev.Transferred: _transferred,
}
