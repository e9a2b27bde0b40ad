"""Why a call ended: one record from what its legs and the PBX said.

Hangup causes are Q.850 as Asterisk uses them: 16 normal, 17 busy, 18/19 no answer, 21 rejected,
26 answered elsewhere, 34/38/42 congestion. Before Asterisk 20.18/22.8 the time-out of an Originate
carries cause 0, so that reason 3 of OriginateResponse decides (asterisk#1660).
"""

from __future__ import annotations

from bridge.calls.pbx_events import DialStatus
from bridge.calls.phone_call import (
    Disposition,
    EndedBy,
    FinalRecord,
    Leg,
    LegPhase,
    Origin,
    PhoneCall,
    Side,
)

NORMAL_CLEARING, USER_BUSY, NO_USER_RESPONSE, NO_ANSWER, REJECTED = 16, 17, 18, 19, 21
_REFUSED = {USER_BUSY, REJECTED}
_UNANSWERED = {NO_USER_RESPONSE, NO_ANSWER}
_ORIGINATE_NO_ANSWER, _ORIGINATE_BUSY = 3, 5
# A duration limit fires on Asterisk's clock, up to a tick before ours.
_DURATION_SLACK_MS = 500

_REASONS = {
    Disposition.ANSWERED: "normal clearing",
    Disposition.BUSY: "busy",
    Disposition.NO_ANSWER: "no answer",
    Disposition.FAILED: "failed",
    Disposition.UNKNOWN: "unknown",
}


def conclude(call: PhoneCall, at_ms: int) -> FinalRecord:
    """The final record of a call whose last channel is gone (or never came) at `at_ms`."""
    if call.answered_ms is not None:
        leg = next((x for x in call.legs if x.answered_ms is not None and x.cause), None)
        return FinalRecord(
            at_ms,
            Disposition.ANSWERED,
            _who(call, at_ms, timed_out=False),
            _REASONS[Disposition.ANSWERED],
            leg.cause if leg else NORMAL_CLEARING,
            leg.sip_code if leg else None,
        )
    leg = _decisive(call)
    disposition, reason = _unanswered(call, leg)
    by = _who(call, at_ms, timed_out=disposition is Disposition.NO_ANSWER)
    if by in (EndedBy.API, EndedBy.AGE_LIMIT) or (
        by is EndedBy.SOURCE and disposition is not Disposition.BUSY
    ):
        disposition, reason = Disposition.NO_ANSWER, "cancelled"
    cause = (leg.cause if leg else None) or (NO_ANSWER if reason == "no answer" else None)
    return FinalRecord(at_ms, disposition, by, reason, cause, leg.sip_code if leg else None)


def _decisive(call: PhoneCall) -> Leg | None:
    """The party whose refusal or silence ended the call, of the side that was dialled last."""
    for side in (Side.DESTINATION, Side.SOURCE):
        legs = [x for x in call.legs if x.side is side and x.phase is not LegPhase.WAITING]
        if side is Side.SOURCE and call.origin is not Origin.API:
            break
        legs = [x for x in legs if x.uniqueid is not None and x.answered_ms is None]
        if legs:
            return max(legs, key=_weight)
    return next(iter(call.legs), None)


def _weight(leg: Leg) -> int:
    if leg.dial_status is DialStatus.BUSY or leg.cause in _REFUSED:
        return 3
    if leg.dial_status is DialStatus.NOANSWER or leg.cause in _UNANSWERED:
        return 2
    return 1 if leg.ringing_ms is not None else 0


def _unanswered(call: PhoneCall, leg: Leg | None) -> tuple[Disposition, str]:
    source_up = any(x.side is Side.SOURCE and x.answered_ms is not None for x in call.legs)
    if leg is not None and leg.cause == REJECTED:
        return Disposition.BUSY, "rejected"
    if leg is not None and (leg.dial_status is DialStatus.BUSY or leg.cause == USER_BUSY):
        return Disposition.BUSY, "busy"
    if not source_up and call.originate_reason == _ORIGINATE_BUSY:
        return Disposition.BUSY, "busy"
    if not source_up and call.originate_reason == _ORIGINATE_NO_ANSWER:
        return Disposition.NO_ANSWER, "no answer"
    if leg is not None and (
        leg.dial_status in (DialStatus.NOANSWER, DialStatus.CANCEL) or leg.cause in _UNANSWERED
    ):
        return Disposition.NO_ANSWER, "no answer"
    if leg is not None and leg.dial_status is DialStatus.CONGESTION:
        return Disposition.FAILED, "congestion"
    if leg is not None and leg.dial_status is DialStatus.CHANUNAVAIL:
        return Disposition.FAILED, "unavailable"
    return Disposition.FAILED, _REASONS[Disposition.FAILED]


def _who(call: PhoneCall, at_ms: int, *, timed_out: bool) -> EndedBy:
    if call.hang_up is not None:
        return call.hang_up.by
    if call.first_to_hang_up is not None:
        return EndedBy.SOURCE if call.first_to_hang_up is Side.SOURCE else EndedBy.DESTINATION
    if call.answered_ms is not None:
        limit = call.duration_s
        talk_ms = at_ms - call.answered_ms
        if limit is not None and talk_ms >= limit * 1000 - _DURATION_SLACK_MS:
            return EndedBy.DURATION_LIMIT
        return EndedBy.PBX
    leg = _decisive(call)
    if leg is not None and (leg.cause in _REFUSED or leg.dial_status is DialStatus.BUSY):
        return EndedBy.SOURCE if leg.side is Side.SOURCE else EndedBy.DESTINATION
    return EndedBy.PICKUP_TIMEOUT if timed_out else EndedBy.PBX
