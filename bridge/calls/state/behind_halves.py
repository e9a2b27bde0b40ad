"""Applies the end of half a Local channel to the parties behind it (docs/parties.md)."""

from __future__ import annotations

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.effects import Effect, LegProgressed, LegStep
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.legs import set_leg
from bridge.calls.state.local_halves import halves_before, is_without_channel, other_half
from bridge.calls.state.phone_call import LegPhase, PhoneCall

_NO_WORD = (None, ev.DialStatus.CANCEL)


def rang_out_behind(call: PhoneCall, event: ev.DialEnded) -> PhoneCall:
    """When the time to ring half a Local channel is over, it is over for the parties that it
    rings. For their own channels the PBX says CANCEL."""
    half = call.channels.get(event.dialled_uniqueid)
    if half is None or not half.local:
        return call
    channels = {**call.channels, half.uniqueid: replace(half, dial_ended=True)}
    call = replace(call, channels=channels)
    if event.status is not ev.DialStatus.NOANSWER:
        return call
    return _rang_out(call, half.uniqueid)


def let_go(call: PhoneCall, event: ev.ChannelHungUp) -> PhoneCall:
    """The same where the PBX hangs the half up and says nothing of the end of its dial.

    FollowMe() does that when the time for one number is over, and goes on with the next one.
    """
    half = call.channels.get(event.uniqueid)
    if half is None or not half.local or half.dial_ended or event.cause:
        return call
    return _rang_out(call, half.uniqueid) if half.dialled_by in call.channels else call


def asked_to_go(call: PhoneCall, event: ev.HangupRequested) -> PhoneCall:
    """The same, as the other half hears it first: the end of the first half may be told late."""
    if event.cause or call.first_to_hang_up is not None or call.hang_up is not None:
        return call
    first = other_half(call, event.uniqueid)
    if first is None or first.dial_ended or first.dialled_by not in call.channels:
        return call
    return _rang_out(call, first.uniqueid)


def _rang_out(call: PhoneCall, half: str) -> PhoneCall:
    for index, leg in enumerate(call.legs):
        if leg.answered_ms is None and leg.dial_status in _NO_WORD and leg.phase < LegPhase.GONE:
            channel = call.channels.get(leg.uniqueid or "")
            halves = halves_before(call, channel.dialled_by if channel else None)
            if any(x.uniqueid == half for x in halves):
                call = set_leg(call, index, replace(leg, dial_status=ev.DialStatus.NOANSWER))
    return call


def left_by_their_half(call: PhoneCall, event: ev.ChannelHungUp) -> tuple[PhoneCall, list[Effect]]:
    """Nobody is dialled any more in place of those for whom this half of a Local channel was."""
    effects: list[Effect] = []
    for index, leg in enumerate(call.legs):
        if leg.behind == event.uniqueid and is_without_channel(call, leg):
            leg = replace(leg, phase=LegPhase.GONE, ended_ms=event.at_ms)
            call = set_leg(call, index, leg)
            effects.append(LegProgressed(event.at_ms, LegStep.ENDED, leg))
    return call, effects
