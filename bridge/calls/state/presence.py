"""Whether an extension rings or talks, as its calls tell (docs/reference/uapi.md §8)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from bridge.calls.state.call_views import views_of
from bridge.calls.state.phone_call import Leg, LegPhase, PhoneCall


class Presence(IntEnum):
    """The presence of an extension in the UnifiedAPI."""

    UNKNOWN = 0
    ONLINE = 1
    RINGING = 2
    BUSY = 3


def presence_in_calls(calls: Iterable[PhoneCall], extension: str) -> Presence | None:
    """BUSY if the extension talks or calls in one of these live calls, RINGING if it is called.

    None if it is in none of them. A talk counts more than a call that rings.
    """
    found = [
        _presence_of(view.leg)
        for call in calls
        for view in views_of(call)
        if view.leg.extension == extension
    ]
    return max((x for x in found if x is not None), default=None)


def _presence_of(leg: Leg) -> Presence | None:
    """None of a party that is dialled and does not ring yet: its phone may not be there."""
    if leg.phase is LegPhase.GONE:
        return None
    if leg.phase is LegPhase.UP or leg.calls_in:
        return Presence.BUSY
    return Presence.RINGING if leg.phase is LegPhase.RINGING else None
