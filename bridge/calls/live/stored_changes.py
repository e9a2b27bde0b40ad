"""Decides which changes of a live call are stored before its end: the ones that a restart must not
undo.

A comparison with the PBX restores all other changes, and costs less than a write.
"""

from __future__ import annotations

from bridge.calls.state.phone_call import Leg, LegPhase, PhoneCall, Side


def must_be_stored(before: PhoneCall | None, after: PhoneCall) -> bool:
    """Whether this change of a live call must be on disk before the call ends."""
    if after.extension is None:
        return False
    if before is None or before.extension is None:
        return True
    if before.mailbox != after.mailbox or before.split_off != after.split_off:
        return True
    if before.answered_ms != after.answered_ms or len(before.legs) != len(after.legs):
        return True
    if before.legs is after.legs or (_is_plain(before) and _is_plain(after)):
        return False
    for old, new in zip(before.legs, after.legs, strict=True):
        if old is not new and _facts(old) != _facts(new):
            return _pbx_forgets(before) != _pbx_forgets(after)
    return False


def _is_plain(call: PhoneCall) -> bool:
    """Whether there is one party on each side, and the PBX forgets nothing of them: most calls."""
    if len(call.legs) != 2 or call.legs[0].side is call.legs[1].side:
        return False
    for leg in call.legs:
        if leg.on_hold_ms is not None or leg.api_hold is not None:
            return False
        if leg.parking is not None or leg.handed_over:
            return False
    return True


def _facts(leg: Leg) -> tuple[object, ...]:
    """Those of `_pbx_forgets`. Nearly all changes are of none of them: that is seen here."""
    return (
        leg.on_hold_ms,
        leg.api_hold,
        leg.parking,
        leg.handed_over,
        leg.view_id,
        leg.side,
        leg.answered_ms is None,
        leg.phase is LegPhase.GONE,
        leg.dial_status,
        leg.forwards,
    )


def _pbx_forgets(call: PhoneCall) -> tuple[object, ...]:
    """The facts about the parties that the PBX no longer shows after a restart.

    These are: the phones that hold, who is parked, and the parties that refused while others of
    their side still ring. If no other party rings, the final record follows at once and says it.
    """
    holding = tuple(
        (leg.on_hold_ms, leg.api_hold)
        for leg in call.legs
        if leg.on_hold_ms is not None or leg.api_hold is not None
    )
    parking = tuple((leg.view_id, leg.parking) for leg in call.legs if leg.parking is not None)
    handed_over = tuple(leg.view_id for leg in call.legs if leg.handed_over)
    refused = []
    for side in Side:
        legs = [x for x in call.legs if x.side is side]
        if len(legs) > 1 and all(x.answered_ms is None for x in legs):
            refused += [(x.phase is LegPhase.GONE, x.dial_status, x.forwards) for x in legs]
    return holding, parking, handed_over, *refused
