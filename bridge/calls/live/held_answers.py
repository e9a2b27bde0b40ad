"""Holds back the answer of a phone that dialled, until the other side of its talk is known.

When a phone picks up another phone's call, the PBX first answers it, as if `*8` were a service. 3
to 20 ms later it is in that call (seen on 16.28 and 22.10). Without the delay the API would show a
talk of its own that nobody had. A real service is shown later by the same time.
"""

from __future__ import annotations

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.phone_call import LegPhase, Origin, PhoneCall, Side

HELD_MS = 200


class HeldAnswers:
    """By the uniqueid of the channel that is up."""

    def __init__(self) -> None:
        self._held: dict[str, ev.ChannelStateChanged] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, uniqueid: str) -> bool:
        return uniqueid in self._held

    def hold(self, event: ev.ChannelStateChanged) -> None:
        """Keep the event until it is told. The first event of a channel counts."""
        self._held.setdefault(event.uniqueid, event)

    def take(self, uniqueid: str) -> ev.ChannelStateChanged | None:
        """Remove and return the held answer of that channel."""
        return self._held.pop(uniqueid, None)

    def take_all(self) -> list[ev.ChannelStateChanged]:
        """All held events, in the order in which they came. None of them is held afterwards."""
        held = list(self._held.values())
        self._held.clear()
        return held

    def due(self, at_ms: int) -> list[ev.ChannelStateChanged]:
        """Remove and return the answers that were held for `HELD_MS` at that moment of the PBX's
        clock."""
        if not self._held:
            return []
        due = [x for x in self._held.values() if x.at_ms + HELD_MS <= at_ms]
        for event in due:
            del self._held[event.uniqueid]
        return due


def may_be_picking_up(call: PhoneCall, event: ev.ChannelStateChanged) -> bool:
    """Whether a phone that dialled, and rings nobody, is up now."""
    if event.state is not ev.ChannelState.UP or call.origin is not Origin.PHONE:
        return False
    if call.answered_ms is not None or call.hang_up is not None or len(call.legs) != 1:
        return False
    leg = call.legs[0]
    dials = leg.side is Side.SOURCE and leg.calls_in
    return dials and leg.uniqueid == event.uniqueid and leg.phase < LegPhase.UP
