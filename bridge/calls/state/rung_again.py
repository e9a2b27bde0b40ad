"""A queue rings its agents for as long as the caller waits: the same parties, round after round.

Each ring is a party of its own, since a phase never goes back. Of rings that ended alike the newest
is enough for the views and the final record. The first ring stays: the hang-up event tells its end.
So the number of rings does not count, only that of phones and of ways in which ringing ends.
"""

from __future__ import annotations

from bridge.calls.state.fast_replace import replace
from bridge.calls.state.phone_call import Leg, LegPhase, PhoneCall, Side


def without_older_rings(call: PhoneCall, number: str) -> PhoneCall:
    """The call without rings of that number that ended as a later one did; its first ring stays."""
    newest: set[Leg] = set()
    kept: list[Leg] = []
    first = next((x for x in call.legs if x.number == number), None)
    for leg in reversed(call.legs):
        if leg.number == number and leg is not first and only_rang(leg):
            ended = how_it_rang(leg)
            if ended in newest:
                continue
            newest.add(ended)
        kept.append(leg)
    if len(kept) == len(call.legs):
        return call
    return replace(call, legs=tuple(reversed(kept)))


def only_rang(leg: Leg) -> bool:
    """Whether the PBX rang the party, which did not answer. No client asked for it by itself."""
    gone = leg.phase is LegPhase.GONE and leg.answered_ms is None
    return gone and leg.side is Side.DESTINATION and not leg.dial


def how_it_rang(leg: Leg) -> Leg:
    """The leg without what tells one ring from another: its channels and moments."""
    return replace(
        leg,
        view_id="",
        uniqueid=None,
        other_devices=(),
        behind=None,
        found=False,
        ringing_ms=None if leg.ringing_ms is None else 0,
        ended_ms=0,
    )
