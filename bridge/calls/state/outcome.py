"""The outcome of an ended call for one of its parties, which may differ from the call's own.

The record of a call has one disposition. A party that rang while another one answered, or that
refused while others rang, has another.
"""

from __future__ import annotations

from typing import NamedTuple

from bridge.calls.state.cut_off import was_cut_off
from bridge.calls.state.hangup_causes import CONGESTION, FORWARDING_REFUSED, OF_CAUSE, UNAVAILABLE
from bridge.calls.state.pbx_events import DialStatus
from bridge.calls.state.phone_call import Disposition, FinalRecord, Leg, Origin, PhoneCall, Side


class Outcome(NamedTuple):
    """`reason`: a word of the final record, or `answered elsewhere`."""

    disposition: Disposition
    reason: str


_ANSWERED = Outcome(Disposition.ANSWERED, "normal clearing")
_OF_DIAL_STATUS = {
    DialStatus.BUSY: Outcome(Disposition.BUSY, "busy"),
    DialStatus.CONGESTION: Outcome(Disposition.FAILED, CONGESTION),
    DialStatus.CHANUNAVAIL: Outcome(Disposition.FAILED, UNAVAILABLE),
}


def has_outcome(call: PhoneCall, leg: Leg) -> bool:
    """Whether the call reached this party, or tried to.

    Destinations are not dialled before a source picks up. Of an end that nobody saw, nobody knows.
    """
    if leg.uniqueid is not None or leg.answered_ms is not None or _unseen(call.final):
        return True
    if leg.side is Side.SOURCE:
        return call.origin is Origin.API
    return any(x.side is Side.DESTINATION and x.uniqueid is not None for x in call.legs)


def outcome_of(call: PhoneCall, leg: Leg | None) -> Outcome:
    """Of an ended call, for this party; None: for the extension that only pays."""
    if leg is None:
        return _of_call(call)
    if leg.answered_ms is not None:
        return _ANSWERED if leg.side is Side.DESTINATION else _of_call(call)
    if leg.side is Side.SOURCE and call.origin is not Origin.API and not _lost(call, leg):
        return _of_call(call)  # it dialled: nobody has dialled it
    if leg.forwards:
        return Outcome(Disposition.BUSY, FORWARDING_REFUSED)
    if leg.ended_unasked or was_cut_off(call, leg):
        return _unanswered(call, leg)  # it refused nothing
    refused = OF_CAUSE.get(leg.cause or 0)
    if refused is not None and refused[0] is Disposition.BUSY:
        return Outcome(*refused)
    if leg.dial_status in _OF_DIAL_STATUS:
        return _OF_DIAL_STATUS[leg.dial_status]
    # DialStatus is NOANSWER also for a number that does not exist.
    if refused is not None and leg.dial_status is DialStatus.NOANSWER:
        return Outcome(*refused)
    return _unanswered(call, leg)


def _lost(call: PhoneCall, leg: Leg) -> bool:
    """Whether it was rung by an Originate of others, and another source answered."""
    sources = (x for x in call.legs if x.side is Side.SOURCE and x.view_id != leg.view_id)
    return call.originated and any(x.answered_ms is not None and not x.took_over for x in sources)


def _unanswered(call: PhoneCall, leg: Leg) -> Outcome:
    others = [x for x in call.legs if x.side is leg.side and x.view_id != leg.view_id]
    if leg.uniqueid is None and not _unseen(call.final):
        if any(x.uniqueid is not None for x in others):
            return Outcome(Disposition.FAILED, UNAVAILABLE)
        return _of_call(call)
    elsewhere = any(x.answered_ms is not None for x in others)
    unanswered = not elsewhere and call.answered_ms is None
    # Asterisk says NOANSWER also of an originated source that it hangs up as it is told.
    rang_out = leg.dial_status is DialStatus.NOANSWER and not leg.ended_unasked
    if rang_out and not was_cut_off(call, leg) and (leg.side is Side.DESTINATION or not unanswered):
        return Outcome(Disposition.NO_ANSWER, "no answer")  # whatever became of the call later
    if unanswered:
        return _of_call(call)
    # It stopped ringing because another one answered, or while a queue had answered the call.
    if _unseen(call.final) and leg.dial_status is None:
        return Outcome(Disposition.UNKNOWN, "lost while disconnected")
    reason = "answered elsewhere" if elsewhere else "cancelled"
    return Outcome(Disposition.NO_ANSWER, reason)


def _of_call(call: PhoneCall) -> Outcome:
    final = call.final
    if call.answered_ms is not None or final is None:
        return _ANSWERED
    return Outcome(final.disposition, final.reason)


def _unseen(final: FinalRecord | None) -> bool:
    return final is not None and final.not_before_ms is not None
