"""`CallStatus`: what became of a call, as one of its extensions lived it.

The values are Asterisk's DIALSTATUS, as the vendor sends them (uapi.md §3.1).
"""

from __future__ import annotations

from enum import Enum

from bridge.calls.pbx_events import DialStatus
from bridge.calls.phone_call import Disposition, EndedBy, Leg, Origin, PhoneCall, Side

# Q.850 causes
_REFUSED = {17, 21}
_CONGESTED = {34, 38, 41, 42, 44, 47}

_CANCELLED_BY = {EndedBy.SOURCE, EndedBy.API, EndedBy.AGE_LIMIT}


class CallStatus(Enum):
    CALLING = "CALLING"
    ANSWER = "ANSWER"
    BUSY = "BUSY"
    NOANSWER = "NOANSWER"
    CANCEL = "CANCEL"
    CONGESTION = "CONGESTION"
    CHANUNAVAIL = "CHANUNAVAIL"
    UNKNOWN = "UNKNOWN"  # the end was not seen: the PBX could not be heard


_OF_DIAL_STATUS = {
    DialStatus.BUSY: CallStatus.BUSY,
    DialStatus.CONGESTION: CallStatus.CONGESTION,
    DialStatus.CHANUNAVAIL: CallStatus.CHANUNAVAIL,
}


def status_for(call: PhoneCall, leg: Leg | None) -> CallStatus:
    """How the ended call came out for this party; None: for the extension that only pays."""
    own_dial = leg is not None and (leg.side is Side.DESTINATION or call.origin is Origin.API)
    if leg is None or not own_dial or leg.answered_ms is not None:
        if leg is not None and leg.side is Side.DESTINATION:
            return CallStatus.ANSWER
        return _of_call(call)
    if leg.cause in _REFUSED:
        return CallStatus.BUSY
    if leg.dial_status in _OF_DIAL_STATUS:
        return _OF_DIAL_STATUS[leg.dial_status]
    elsewhere = any(x.side is leg.side and x.answered_ms is not None for x in call.legs)
    if not elsewhere and call.answered_ms is None:
        return _of_call(call)
    # It stopped ringing because another one answered, or while a queue had answered the call.
    if leg.dial_status is DialStatus.NOANSWER:
        return CallStatus.NOANSWER
    lost = call.final is not None and call.final.not_before_ms is not None
    return CallStatus.UNKNOWN if lost and leg.dial_status is None else CallStatus.CANCEL


def _of_call(call: PhoneCall) -> CallStatus:
    final = call.final
    if call.answered_ms is not None or final is None:
        return CallStatus.ANSWER
    if final.disposition is Disposition.BUSY:
        return CallStatus.BUSY
    if final.disposition is Disposition.NO_ANSWER:
        return CallStatus.CANCEL if final.by in _CANCELLED_BY else CallStatus.NOANSWER
    if final.disposition is Disposition.FAILED:
        congested = final.cause in _CONGESTED or final.reason == "congestion"
        return CallStatus.CONGESTION if congested else CallStatus.CHANUNAVAIL
    return CallStatus.UNKNOWN
