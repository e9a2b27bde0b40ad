"""The end of a call: the mark that it shall end, and its end with a final record."""

from __future__ import annotations

from bridge.calls.state.effects import CallEnded, Effect, LegProgressed, LegStep, Result
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.legs import set_leg
from bridge.calls.state.phone_call import (
    EndedBy,
    FinalRecord,
    HangUpMark,
    LegPhase,
    Origin,
    PhoneCall,
)


def mark_hang_up(call: PhoneCall, by: EndedBy, at_ms: int) -> PhoneCall:
    """Mark the call to end: a channel that appears later is hung up. The first mark stays."""
    return call if call.hang_up is not None else replace(call, hang_up=HangUpMark(by, at_ms))


def confirm_hang_up(call: PhoneCall, *, confirmed: bool = True) -> PhoneCall:
    """The PBX has ended the call's first channel, with which the others go; or forget that."""
    mark = call.hang_up
    if mark is None or mark.confirmed is confirmed:
        return call
    return replace(call, hang_up=HangUpMark(mark.by, mark.at_ms, confirmed))


def is_to_go(call: PhoneCall) -> bool:
    """Whether a channel that appears now must be hung up by itself."""
    return call.hang_up is not None and not call.hang_up.confirmed


def originate_still_open(call: PhoneCall) -> bool:
    """OriginateResponse is still to come: it alone tells no answer from busy and refused."""
    if call.origin is not Origin.API or call.originate_reason is not None:
        return False
    return all(leg.answered_ms is None for leg in call.legs)


def end(call: PhoneCall, final: FinalRecord) -> Result:
    """End the call with this record, whatever its state; an ended call keeps its first record."""
    if call.final is not None:
        return call, []
    effects: list[Effect] = []
    for index, leg in enumerate(call.legs):
        if leg.phase is not LegPhase.GONE:
            if leg.phase is not LegPhase.WAITING:
                effects.append(LegProgressed(final.at_ms, LegStep.ENDED, leg))
            gone = replace(leg, phase=LegPhase.GONE, ended_ms=final.at_ms)
            call = set_leg(call, index, gone)
    call = replace(call, channels={}, final=final)
    return call, [*effects, CallEnded(final)]
