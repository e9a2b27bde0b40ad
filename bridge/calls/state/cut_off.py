"""A ringing that the PBX ended before its time: somebody else hung a channel up, or the PBX stops.

No event says so. These do not come then, or say otherwise:

- A phone that refuses or gives up, and a trunk, send a HangupRequest first.
- A channel whose time to ring is over has no cause of its own.
- Our part of the dialplan lets who dialled go with cause 19 then, and with no other.
- Another dialplan may go on at `s-NOANSWER` then, and at `s-CHANUNAVAIL` for a channel cut off.

In any other dialplan, a ringing phone's channel that is ended without a cause looks like time that
is over. It counts as that. (Recordings `office/ringing_…`, 16.28 and 22.10.)
"""

from __future__ import annotations

from bridge.calls.state.fast_replace import replace
from bridge.calls.state.hangup_causes import MEDIA_TIMEOUT, NO_ANSWER, NORMAL_CLEARING
from bridge.calls.state.pbx_events import ChannelHungUp, ChannelState, DialStatus
from bridge.calls.state.phone_call import (
    CallChannel,
    Leg,
    Origin,
    PhoneCall,
    Side,
    fork_channel_id,
)

_NO_CAUSE = (None, 0, NORMAL_CLEARING)
_ANSWERED_ELSEWHERE = 26
_MAY_BE_OF_PBX = (0, NO_ANSWER, _ANSWERED_ELSEWHERE, MEDIA_TIMEOUT)
"""Asterisk gives these to a ringing channel by itself."""


def was_cut_off(call: PhoneCall, leg: Leg) -> bool:
    """Whether the ringing of this party, whom nobody answered for, was cut off."""
    if call.hang_up is not None or call.first_to_hang_up is not None:
        return False
    if leg.answered_ms is not None or leg.forwards:
        return False
    if leg.ringing_ms is None:  # it may have rung, and the PBX did not hear of that in time
        return leg.side is Side.DESTINATION and leg.dial_status is DialStatus.CANCEL
    if leg.dial_status is not None and leg.ended_unasked:
        return True
    if leg.side is Side.SOURCE:
        return _source_was_cut_off(call, leg)
    if leg.dial_status is DialStatus.CANCEL:
        return True  # the channel that dials has gone
    if leg.dial_status is not DialStatus.NOANSWER or leg.cause or _was_forwarded(call, leg):
        return False
    if call.origin is Origin.API:
        return _source_was_told_otherwise(call)
    return call.rang_out is False


def with_asked_channel(call: PhoneCall, uniqueid: str) -> PhoneCall:
    """The call in which that channel, if it is not up yet, is asked to go."""
    channel = call.channels.get(uniqueid)
    if channel is None or channel.asked_to_go or channel.state is ChannelState.UP:
        return call
    asked = replace(channel, asked_to_go=True)
    return replace(call, channels={**call.channels, uniqueid: asked})


def is_unasked(channel: CallChannel, event: ChannelHungUp) -> bool:
    """Whether the channel goes with a reason that neither its phone nor its network has given.

    Known of PJSIP only. Other drivers and Local channels say without a HangupRequest that they are
    busy.
    """
    if channel.asked_to_go or channel.state is ChannelState.UP or event.cause in _MAY_BE_OF_PBX:
        return False
    return channel.endpoint.startswith("PJSIP/")


def with_end_of_dial(call: PhoneCall, event: ChannelHungUp) -> PhoneCall:
    """The call after the channel that dials its parties has gone: did they ring out?"""
    dials = fork_channel_id(call.id) if call.origin is Origin.API else call.first_channel
    if event.rang_out is None or event.uniqueid != dials:
        return call
    return replace(call, rang_out=event.rang_out)


def _source_was_cut_off(call: PhoneCall, leg: Leg) -> bool:
    if call.origin is not Origin.API:
        # An Originate that rings out ends no dial, or cancels it.
        return call.originated and leg.dial_status is DialStatus.NOANSWER and not leg.cause
    # The Local channel that dials the sources went before its time. A cancelled dial has its cause.
    without_cause = leg.dial_status is DialStatus.NOANSWER and leg.cause in _NO_CAUSE
    return call.rang_out is False and (without_cause or leg.dial_status is DialStatus.CANCEL)


def _was_forwarded(call: PhoneCall, leg: Leg) -> bool:
    """How the last dial ended says nothing of the ones before it."""
    later = call.legs[call.legs.index(leg) + 1 :]
    return any(x.forwarded_from is not None for x in later)


def _source_was_told_otherwise(call: PhoneCall) -> bool:
    """The dialplan of API calls lets the source go with cause 19, if the time to ring is over."""
    up = [x for x in call.legs if x.side is Side.SOURCE and x.answered_ms is not None]
    return any(x.behind is None and x.cause not in (None, 0, NO_ANSWER) for x in up)
