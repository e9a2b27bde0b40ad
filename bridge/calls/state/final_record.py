"""Why a call ended: one record from what its legs and the PBX said.

Hangup causes are Q.850 as Asterisk uses them. They say more than its DialStatus, which is NOANSWER
for a number that does not exist and for a rejected call. Before Asterisk 20.18/22.8 the time-out of
an Originate carries cause 0, so that reason 3 of OriginateResponse decides
(asterisk#1660, docs/reference/asterisk.md §3).
"""

from __future__ import annotations

from bridge.calls.state.acting_calls import record_of_acting
from bridge.calls.state.cut_off import was_cut_off
from bridge.calls.state.hangup_causes import (
    FORWARDING_REFUSED,
    MEDIA_TIMEOUT,
    NEVER_TAKEN_BACK,
    NO_ANSWER,
    NO_ROUTE,
    NORMAL_CLEARING,
    OF_CAUSE,
    REJECTED,
    TAKEN,
    TRANSFER_NOT_ANSWERED,
)
from bridge.calls.state.parking import never_taken_back
from bridge.calls.state.pbx_events import DialStatus
from bridge.calls.state.phone_call import (
    Disposition,
    EndedBy,
    FinalRecord,
    Leg,
    LegPhase,
    Origin,
    PhoneCall,
    Side,
)

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
# A duration limit fires on Asterisk's clock, up to a tick before ours.
_DURATION_SLACK_MS = 500


def duration_is_over(call: PhoneCall, at_ms: int) -> bool:
    """Whether the call has been answered for as long as it may be."""
    if call.duration_s is None or call.answered_ms is None:
        return False
    return at_ms - call.answered_ms >= call.duration_s * 1000 - _DURATION_SLACK_MS


def conclude(call: PhoneCall, at_ms: int) -> FinalRecord:
    """The final record of a call whose last channel is gone (or never came) at `at_ms`."""
    return record_of_acting(call, _conclude(call, at_ms))


def _conclude(call: PhoneCall, at_ms: int) -> FinalRecord:
    if _vanished(call):
        answered = call.answered_ms is not None
        disposition = Disposition.ANSWERED if answered else Disposition.NO_ANSWER
        return FinalRecord(at_ms, disposition, EndedBy.PBX, "media timeout", MEDIA_TIMEOUT)
    if call.answered_ms is not None:
        leg = next((x for x in call.legs if x.answered_ms is not None and x.cause), None)
        by = _who(call, at_ms, timed_out=False)
        return FinalRecord(
            at_ms,
            Disposition.ANSWERED,
            by,
            _reason_of_talk(call, by),
            leg.cause if leg else NORMAL_CLEARING,
            leg.sip_code if leg else None,
        )
    leg = _decisive(call)
    disposition, reason = _unanswered(call, leg)
    if call.taken_ms is not None:
        return _taken(call, at_ms, disposition, leg)
    cut_off = leg is not None and was_cut_off(call, leg)
    timed_out = disposition is Disposition.NO_ANSWER
    by = EndedBy.PBX if cut_off else _who(call, at_ms, timed_out=timed_out)
    if cut_off or by in (EndedBy.API, EndedBy.AGE_LIMIT) or _gave_up_waiting(call, disposition):
        # Nobody refused: what the PBX says of the channels is but how it ended them.
        return FinalRecord(at_ms, Disposition.NO_ANSWER, by, "cancelled", NORMAL_CLEARING)
    cause = (leg.cause if leg else None) or (NO_ANSWER if reason == "no answer" else None)
    cause = cause or _told_to_the_source(call)
    return FinalRecord(at_ms, disposition, by, reason, cause, _said(leg) if leg else None)


def _reason_of_talk(call: PhoneCall, by: EndedBy) -> str:
    if by is not EndedBy.PBX:
        return "normal clearing"
    if never_taken_back(call):
        return NEVER_TAKEN_BACK
    return TRANSFER_NOT_ANSWERED if _left_by_transfer(call) else "normal clearing"


def _left_by_transfer(call: PhoneCall) -> bool:
    """Whether the party that was transferred was left alone: nobody answered any more."""
    if call.hang_up is not None or call.first_to_hang_up is not None:
        return False
    dialled = [x for x in call.legs if x.uniqueid is not None]
    handed_over = any(x.handed_over for x in dialled)
    return handed_over and dialled[-1].side is Side.DESTINATION and dialled[-1].answered_ms is None


def _taken(call: PhoneCall, at_ms: int, disposition: Disposition, leg: Leg | None) -> FinalRecord:
    """Of who was dialled it says what became of the dial; of the end, who ended what came then."""
    by = EndedBy.PBX
    if call.hang_up is not None or call.first_to_hang_up is not None:
        by = _who(call, at_ms, timed_out=False)
    if call.mailbox is not None and disposition is Disposition.FAILED:
        disposition = Disposition.NO_ANSWER  # no phone of the extension was there to be rung
    cause = (leg.cause if leg and leg.side is Side.DESTINATION else None) or NO_ANSWER
    return FinalRecord(at_ms, disposition, by, TAKEN, cause, _said(leg) if leg else None)


def _gave_up_waiting(call: PhoneCall, disposition: Disposition) -> bool:
    """Whether the source hung up before the call had come to an end.

    A source that hears the busy tone hangs up because of it. In a queue somebody else might still
    have answered.
    """
    if call.first_to_hang_up is not Side.SOURCE:
        return False
    return disposition is not Disposition.BUSY or call.called_service is not None


def _vanished(call: PhoneCall) -> bool:
    """Whether the call ended because the phone of a party no longer sent anything."""
    if call.hang_up is not None or call.first_to_hang_up is not None:
        return False
    talked = [x for x in call.legs if x.answered_ms is not None and not x.handed_over]
    return any(x.cause == MEDIA_TIMEOUT for x in talked)


def _decisive(call: PhoneCall) -> Leg | None:
    """The party whose refusal or silence ended the call, of the side that was dialled last."""
    for side in (Side.DESTINATION, Side.SOURCE):
        legs = [x for x in call.legs if x.side is side and x.phase is not LegPhase.WAITING]
        if side is Side.SOURCE and call.origin is not Origin.API:
            break
        if up := [x for x in legs if _is_source_up(x)]:
            return up[0]  # the others stopped ringing because of that: its cause says why
        legs = [x for x in legs if x.uniqueid is not None and x.answered_ms is None]
        legs = [x for x in legs if not x.handed_over] or legs  # who sent the call on decides less
        if legs:
            return max(legs, key=lambda x: (_weight(x), x.ended_ms or 0))
    return next(iter(call.legs), None)


def _weight(leg: Leg) -> int:
    """A party that let it ring to the end decides before a party that refused, as in Asterisk's
    DIALSTATUS. Both decide before a party that was not reached."""
    disposition, _ = _of_leg(leg)
    if disposition is Disposition.NO_ANSWER:
        return 3
    if disposition is Disposition.BUSY:
        return 2
    return 1 if leg.ringing_ms is not None else 0


def _of_leg(leg: Leg) -> tuple[Disposition | None, str]:
    nothing = (None, "")
    if leg.forwards:
        return Disposition.BUSY, FORWARDING_REFUSED
    if leg.cause in OF_CAUSE:
        return OF_CAUSE[leg.cause]
    return _OF_DIAL_STATUS.get(leg.dial_status, nothing) if leg.dial_status else nothing


def _unanswered(call: PhoneCall, leg: Leg | None) -> tuple[Disposition, str]:
    if all(x.uniqueid is None for x in call.legs):
        return Disposition.FAILED, "unavailable"  # there was never a channel
    if leg is not None and leg.forwards:
        return Disposition.BUSY, FORWARDING_REFUSED
    if leg is not None and leg.cause == REJECTED and leg.calls_in:
        return Disposition.FAILED, "failed"  # nobody was dialled: it is the PBX that refuses
    if leg is not None and leg.cause in OF_CAUSE:
        return OF_CAUSE[leg.cause]
    source_up = any(x.side is Side.SOURCE and x.answered_ms is not None for x in call.legs)
    if not source_up and call.originate_reason in _OF_ORIGINATE:
        return _OF_ORIGINATE[call.originate_reason]
    if leg is not None and leg.dial_status in _OF_DIAL_STATUS:
        return _OF_DIAL_STATUS[leg.dial_status]
    cause = _told_to_the_source(call)
    return OF_CAUSE[cause] if cause is not None else (Disposition.FAILED, "failed")


def _told_to_the_source(call: PhoneCall) -> int | None:
    """The cause with which the PBX let the source go: why nobody answered, where the end of the
    dial itself was missed."""
    causes = (x.cause for x in call.legs if x.side is Side.SOURCE)
    return next((x for x in causes if x in OF_CAUSE), None)


def _who(call: PhoneCall, at_ms: int, *, timed_out: bool) -> EndedBy:
    if call.hang_up is not None:
        return call.hang_up.by
    if call.first_to_hang_up is not None and not _fell_silent(call, call.first_to_hang_up):
        return EndedBy.SOURCE if call.first_to_hang_up is Side.SOURCE else EndedBy.DESTINATION
    if call.answered_ms is not None:
        return EndedBy.DURATION_LIMIT if duration_is_over(call, at_ms) else EndedBy.PBX
    leg = _decisive(call)
    if leg is not None and (leg.calls_in or _is_source_up(leg)):
        leg = None  # nobody was dialled: its cause is what the PBX told it
    if leg is not None and (_of_leg(leg)[0] is Disposition.BUSY or (timed_out and _gave_up(leg))):
        return EndedBy.SOURCE if leg.side is Side.SOURCE else EndedBy.DESTINATION
    if leg is not None and _said(leg) == _SIP_TIMEOUT:
        return EndedBy.PBX  # nobody there: SIP's own time-out, whatever the call's is
    return EndedBy.PICKUP_TIMEOUT if timed_out else EndedBy.PBX


def _fell_silent(call: PhoneCall, side: Side) -> bool:
    """Whether SIP's own time-out ended the talk of that side: its phone hung up nothing.

    Seen with a phone that never acknowledges the 200, and with one that is gone at the refresh of
    its session.
    """
    left = [x for x in call.legs if x.side is side and x.answered_ms is not None]
    return any(x.sip_code == _SIP_TIMEOUT and not x.handed_over for x in left)


def _gave_up(leg: Leg) -> bool:
    """Whether the party's side answered that nobody picks up (480), before our time was over."""
    return _said(leg) not in (None, _SIP_TIMEOUT, _SIP_CANCELLED)


def _said(leg: Leg) -> int | None:
    """The party's own SIP status.

    Without a DialEnd, and of a cancelled dial, Asterisk made it of its time-out. With cause 3 it
    made it of a phone that is not registered.
    """
    made = leg.dial_status in (None, DialStatus.CANCEL) or leg.cause == NO_ROUTE
    return None if made or _is_source_up(leg) else leg.sip_code


def _is_source_up(leg: Leg) -> bool:
    return leg.side is Side.SOURCE and leg.answered_ms is not None
