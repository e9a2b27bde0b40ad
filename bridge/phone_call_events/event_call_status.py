"""`CallStatus`: what became of a call, as one of its extensions lived it.

The values are Asterisk's DIALSTATUS, as the vendor sends them (docs/reference/uapi.md §3.1).
"""

from __future__ import annotations

from enum import Enum

from bridge.calls.state.hangup_causes import CONGESTION
from bridge.calls.state.outcome import outcome_of
from bridge.calls.state.phone_call import Disposition, Leg, PhoneCall

_NOT_ANSWERED_BY_WISH = ("cancelled", "answered elsewhere")


class EventCallStatus(Enum):
    """The values of `CallStatus` in an event (docs/reference/uapi.md §3.1)."""

    CALLING = "CALLING"
    ANSWER = "ANSWER"
    BUSY = "BUSY"
    NOANSWER = "NOANSWER"
    CANCEL = "CANCEL"
    CONGESTION = "CONGESTION"
    CHANUNAVAIL = "CHANUNAVAIL"
    UNKNOWN = "UNKNOWN"  # the end was not seen: the PBX could not be heard


_OF_DISPOSITION = {
    Disposition.ANSWERED: EventCallStatus.ANSWER,
    Disposition.BUSY: EventCallStatus.BUSY,
    Disposition.NO_ANSWER: EventCallStatus.NOANSWER,
    Disposition.FAILED: EventCallStatus.CHANUNAVAIL,
    Disposition.NOT_ALLOWED: EventCallStatus.CHANUNAVAIL,
    Disposition.UNKNOWN: EventCallStatus.UNKNOWN,
}


def event_call_status(call: PhoneCall, leg: Leg | None) -> EventCallStatus:
    """How the ended call came out for this party; None: for the extension that only pays."""
    if leg is not None and leg.told_as is not None and leg.told_answer:
        return EventCallStatus.ANSWER  # its answer was told, of the call that it was in before
    disposition, reason = outcome_of(call, leg)
    if disposition is Disposition.NO_ANSWER and reason in _NOT_ANSWERED_BY_WISH:
        return EventCallStatus.CANCEL
    if disposition is Disposition.FAILED and reason == CONGESTION:
        return EventCallStatus.CONGESTION
    return _OF_DISPOSITION[disposition]
