"""Why a call ended: one record from what its legs and the PBX said.

Hangup causes are Q.850 as Asterisk uses them; they say more than its DialStatus, which is NOANSWER
for a number that does not exist and for a rejected call. Before Asterisk 20.18/22.8 the time-out of
an Originate carries cause 0, so that reason 3 of OriginateResponse decides (asterisk#1660).
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

NORMAL_CLEARING, NO_ANSWER = 16, 19
_OF_CAUSE = {
    1: (Disposition.FAILED, "no such number"),
    2: (Disposition.FAILED, "no such number"),
    3: (Disposition.FAILED, "unavailable"),  # no route: nothing is registered
    17: (Disposition.BUSY, "busy"),
    18: (Disposition.NO_ANSWER, "no answer"),
    19: (Disposition.NO_ANSWER, "no answer"),
    20: (Disposition.FAILED, "unavailable"),
    21: (Disposition.BUSY, "rejected"),
    22: (Disposition.FAILED, "no such number"),  # it changed
    25: (Disposition.FAILED, "failed"),
    27: (Disposition.FAILED, "unavailable"),
    28: (Disposition.FAILED, "no such number"),  # its format is wrong
    29: (Disposition.FAILED, "failed"),
    34: (Disposition.FAILED, "congestion"),
    38: (Disposition.FAILED, "congestion"),
    41: (Disposition.FAILED, "congestion"),
    42: (Disposition.FAILED, "congestion"),
    44: (Disposition.FAILED, "congestion"),
    58: (Disposition.FAILED, "incompatible"),  # no common codec
    79: (Disposition.FAILED, "incompatible"),
    88: (Disposition.FAILED, "incompatible"),
    102: (Disposition.FAILED, "failed"),
    127: (Disposition.FAILED, "failed"),
}
_OF_DIAL_STATUS = {
    DialStatus.BUSY: (Disposition.BUSY, "busy"),
    DialStatus.NOANSWER: (Disposition.NO_ANSWER, "no answer"),
    DialStatus.CANCEL: (Disposition.NO_ANSWER, "no answer"),
    DialStatus.CONGESTION: (Disposition.FAILED, "congestion"),
    DialStatus.CHANUNAVAIL: (Disposition.FAILED, "unavailable"),
}
_OF_ORIGINATE = {
    3: (Disposition.NO_ANSWER, "no answer"),
    5: (Disposition.BUSY, "busy"),
    8: (Disposition.FAILED, "congestion"),
}
_SIP_TIMEOUT, _SIP_CANCELLED = 408, 487
_NO_ROUTE = 3
# A duration limit fires on Asterisk's clock, up to a tick before ours.
_DURATION_SLACK_MS = 500


def conclude(call: PhoneCall, at_ms: int) -> FinalRecord:
    """The final record of a call whose last channel is gone (or never came) at `at_ms`."""
    if call.answered_ms is not None:
        leg = next((x for x in call.legs if x.answered_ms is not None and x.cause), None)
        return FinalRecord(
            at_ms,
            Disposition.ANSWERED,
            _who(call, at_ms, timed_out=False),
            "normal clearing",
            leg.cause if leg else NORMAL_CLEARING,
            leg.sip_code if leg else None,
        )
    leg = _decisive(call)
    disposition, reason = _unanswered(call, leg)
    by = _who(call, at_ms, timed_out=disposition is Disposition.NO_ANSWER)
    if by in (EndedBy.API, EndedBy.AGE_LIMIT) or (
        call.first_to_hang_up is Side.SOURCE and disposition is not Disposition.BUSY
    ):
        # Nobody refused: what the PBX says of the channels is but how it ended them.
        return FinalRecord(at_ms, Disposition.NO_ANSWER, by, "cancelled", NORMAL_CLEARING)
    cause = (leg.cause if leg else None) or (NO_ANSWER if reason == "no answer" else None)
    return FinalRecord(at_ms, disposition, by, reason, cause, _said(leg) if leg else None)


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
    """Who refused decides before who let it ring, and that one before who was not reached."""
    disposition, _ = _of_leg(leg)
    if disposition is Disposition.BUSY:
        return 3
    if disposition is Disposition.NO_ANSWER:
        return 2
    return 1 if leg.ringing_ms is not None else 0


def _of_leg(leg: Leg) -> tuple[Disposition | None, str]:
    nothing = (None, "")
    if leg.cause in _OF_CAUSE:
        return _OF_CAUSE[leg.cause]
    return _OF_DIAL_STATUS.get(leg.dial_status, nothing) if leg.dial_status else nothing


def _unanswered(call: PhoneCall, leg: Leg | None) -> tuple[Disposition, str]:
    if all(x.uniqueid is None for x in call.legs):
        return Disposition.FAILED, "unavailable"  # there was never a channel
    if leg is not None and leg.cause in _OF_CAUSE:
        return _OF_CAUSE[leg.cause]
    source_up = any(x.side is Side.SOURCE and x.answered_ms is not None for x in call.legs)
    if not source_up and call.originate_reason in _OF_ORIGINATE:
        return _OF_ORIGINATE[call.originate_reason]
    if leg is not None and leg.dial_status in _OF_DIAL_STATUS:
        return _OF_DIAL_STATUS[leg.dial_status]
    return Disposition.FAILED, "failed"


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
    if leg is not None and (_of_leg(leg)[0] is Disposition.BUSY or (timed_out and _gave_up(leg))):
        return EndedBy.SOURCE if leg.side is Side.SOURCE else EndedBy.DESTINATION
    if leg is not None and _said(leg) == _SIP_TIMEOUT:
        return EndedBy.PBX  # nobody there: SIP's own time-out, whatever the call's is
    return EndedBy.PICKUP_TIMEOUT if timed_out else EndedBy.PBX


def _gave_up(leg: Leg) -> bool:
    """Whether the party's side answered that nobody picks up (480), before our time was over."""
    return _said(leg) not in (None, _SIP_TIMEOUT, _SIP_CANCELLED)


def _said(leg: Leg) -> int | None:
    """The party's own SIP status. Without a DialEnd it is what Asterisk made of its time-out, and
    with cause 3 what it made of nobody being registered."""
    return None if leg.dial_status is None or leg.cause == _NO_ROUTE else leg.sip_code
