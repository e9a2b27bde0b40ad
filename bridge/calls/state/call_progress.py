"""How far a party has got, and the call with it: tried, ringing, answered, connected."""

from __future__ import annotations

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.devices import answers_on
from bridge.calls.state.effects import CallConnected, Effect, LegProgressed, LegStep, Result
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.legs import advance, leg_index, set_leg
from bridge.calls.state.originated import talks_to_application
from bridge.calls.state.phone_call import LegPhase, Origin, PhoneCall, Side

PHASE_OF_STATE = {
    ev.ChannelState.DOWN: LegPhase.TRYING,
    ev.ChannelState.DIALING: LegPhase.TRYING,
    ev.ChannelState.RING: LegPhase.TRYING,
    ev.ChannelState.RINGING: LegPhase.RINGING,
    ev.ChannelState.UP: LegPhase.UP,
}


def reach_state(call: PhoneCall, uniqueid: str, state: ev.ChannelState, at_ms: int) -> Result:
    """The channel is in that state: its party, and the call, get as far as that says."""
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
    if phase is LegPhase.UP:
        call = answers_on(call, index, uniqueid)
    return reach(call, index, phase, at_ms)


def reach(call: PhoneCall, index: int, phase: LegPhase, at_ms: int) -> Result:
    """Bring a leg to `phase` if it is further on, and the call with it."""
    leg, step = advance(call.legs[index], phase, at_ms)
    if step is None:
        return call, []
    call = set_leg(call, index, leg)
    effects: list[Effect] = [LegProgressed(at_ms, step, leg)]
    if step is LegStep.RINGING and call.ringing_ms is None and call.answered_ms is None:
        # Not of an agent of a queue, which has answered the call: nothing rings after the answer.
        call = replace(call, ringing_ms=at_ms)
    call, more = connect(call, at_ms)
    return call, [*effects, *more]


def connect(call: PhoneCall, at_ms: int) -> Result:
    """The call as connected, where both its sides are up by now and were not before."""
    if call.answered_ms is not None or not _connected(call):
        return call, []
    # Events of two channels may bear moments that are not in their order.
    call = replace(call, answered_ms=max(at_ms, call.ringing_ms or at_ms))
    return call, [CallConnected(at_ms)]


def _connected(call: PhoneCall) -> bool:
    up = {leg.side for leg in call.legs if leg.phase is LegPhase.UP}
    if Side.SOURCE not in up:
        return False
    if Side.DESTINATION in up:
        return True
    if call.acts_on is not None:
        return call.acts_on.action.listens
    # A phone that dialled a service of the PBX itself (echo, queue, IVR) talks to no other channel.
    if call.mailbox is not None:
        return False
    if call.origin is Origin.API or (call.originated and not talks_to_application(call)):
        return False
    return all(leg.side is Side.SOURCE for leg in call.legs)
