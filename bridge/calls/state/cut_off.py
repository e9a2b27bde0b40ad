"""A ringing that the PBX ended before its time: somebody else hung a channel up, or the PBX stops.

No event says so. A phone that gives up sends a HangupRequest first, and time to ring that is over
has words of its own. Every other end of a ringing is a cut-off.
(Recordings `office/ringing_…`, 16.28 and 22.10.)
"""

from __future__ import annotations

from bridge.calls.state.hangup_causes import NO_ANSWER
from bridge.calls.state.pbx_events import DialStatus
from bridge.calls.state.phone_call import Leg, Origin, PhoneCall, Side


def was_cut_off(call: PhoneCall, leg: Leg) -> bool:
    """Whether the ringing of this party, whom nobody answered for, was cut off."""
    if call.hang_up is not None or call.first_to_hang_up is not None:
        return False
    if leg.answered_ms is not None or leg.ringing_ms is None:
        return False
    if leg.dial_status is DialStatus.CANCEL:
        # The channel that dials has gone. An Originate that rings out ends so, too.
        return leg.side is Side.DESTINATION
    if leg.dial_status is not DialStatus.NOANSWER or leg.cause:
        return False
    if leg.side is Side.SOURCE:
        return call.originated  # an Originate that rings out ends no dial
    return call.origin is Origin.API and _source_was_told_otherwise(call)


def _source_was_told_otherwise(call: PhoneCall) -> bool:
    """The dialplan of API calls lets the source go with cause 19, if the time to ring is over."""
    up = [x for x in call.legs if x.side is Side.SOURCE and x.answered_ms is not None]
    return any(x.behind is None and x.cause not in (None, 0, NO_ANSWER) for x in up)
