"""The effect of the PBX's hang-up events on a call."""

from __future__ import annotations

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.acting_calls import with_first_hung_up
from bridge.calls.state.behind_halves import asked_to_go, left_by_their_half, let_go
from bridge.calls.state.call_channels import without_channel
from bridge.calls.state.call_end import end, originate_still_open
from bridge.calls.state.cut_off import is_unasked, with_asked_channel, with_end_of_dial
from bridge.calls.state.devices import with_refusal, without_device
from bridge.calls.state.effects import Effect, LegProgressed, LegStep, Result
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.final_record import conclude
from bridge.calls.state.forwarding import REDIRECTIONS, forwarding
from bridge.calls.state.holding import without_hold_of
from bridge.calls.state.legs import leg_index, set_leg, with_source
from bridge.calls.state.local_halves import may_be_dialled_again
from bridge.calls.state.originated import gives_up, rang_out, talked_to_pbx
from bridge.calls.state.party_lookup import PartyLookup
from bridge.calls.state.phone_call import LegPhase, PhoneCall
from bridge.calls.state.service_members import without_member


def hangup_requested(call: PhoneCall, event: ev.HangupRequested, _: PartyLookup) -> Result:
    """A channel is asked to go; the first party that is in the call has ended it."""
    call = asked_to_go(with_asked_channel(call, event.uniqueid), event)
    index = leg_index(call, event.uniqueid)
    if index is None or call.first_to_hang_up is not None:
        return call, []
    leg = call.legs[index]
    if leg.uniqueid != event.uniqueid or leg.handed_over:
        return call, []  # who has parked or transferred the call is out of it: it goes on
    # One of several ringing phones that refuses does not end the call.
    if leg.phase is not LegPhase.UP and not leg.calls_in:
        return call, []
    return replace(call, first_to_hang_up=leg.side), []


def hung_up(call: PhoneCall, event: ev.ChannelHungUp, parties: PartyLookup) -> Result:
    """A channel is gone, and with its last channel the call ends."""
    if event.uniqueid not in call.channels:
        return call, []
    channel = call.channels[event.uniqueid]
    call = without_channel(let_go(call, event), event.uniqueid)
    call = with_end_of_dial(call, event)
    call = without_hold_of(call, event.uniqueid)
    call = with_first_hung_up(call, event.uniqueid, event.cause)
    effects: list[Effect] = []
    index = leg_index(call, event.uniqueid)
    if index is not None:
        left = without_device(call, index, event.uniqueid)
        if left is not call:
            return left, effects
        leg = replace(
            call.legs[index],
            other_devices=(),
            phase=LegPhase.GONE,
            ended_ms=event.at_ms,
            on_hold_ms=None,
            api_hold=None,
            cause=event.cause,
            sip_code=event.sip_code,
            ended_unasked=is_unasked(channel, event),
        )
        if leg.forwards or (leg.answered_ms is None and event.sip_code in REDIRECTIONS):
            leg = forwarding(leg)
        leg = rang_out(call, with_refusal(leg))
        if may_be_dialled_again(call, call.legs[index]):
            leg = replace(leg, phase=call.legs[index].phase, ended_ms=None)
        else:
            call, effects = gives_up(call, index, event.at_ms, parties)
            effects.append(LegProgressed(event.at_ms, LegStep.ENDED, leg))
        call = set_leg(call, index, leg)
    call, more = left_by_their_half(call, event)
    call, ended = without_member(call, event.uniqueid, event.at_ms)
    effects += [*more, *ended]
    if call.channels or originate_still_open(call):
        # Two who talk on without whoever called them (AMI Bridge): one of them is the source now.
        # The same holds for one who stays in a conference.
        talks_on = sum(x.phase is LegPhase.UP and not x.handed_over for x in call.legs) > 1
        goes_on = talks_on and call.hang_up is None
        return (with_source(call, ()) if goes_on else call), effects
    call, talked = talked_to_pbx(call, event.at_ms)
    call, ended = end(call, conclude(call, event.at_ms))
    return call, [*effects, *talked, *ended]
