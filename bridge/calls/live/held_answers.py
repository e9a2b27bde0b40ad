"""Holds back the answer of a phone that dialled, until the other side of its talk is known.

When a phone picks up another phone's call, the PBX first answers it, as if `*8` were a service. 3
to 20 ms later it is in that call (seen on 16.28 and 22.10). Without the delay the API would show a
talk of its own that nobody had. A real service is shown later by the same time.

In the same way it holds back the end of an Originate of somebody else that nobody has picked up. If
a phone refuses it, the PBX tells the number that it would have called right after that end.
"""

from __future__ import annotations

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.phone_call import LegPhase, Origin, PhoneCall, Side

HELD_MS = 200

HeldEvent = ev.ChannelStateChanged | ev.ChannelHungUp
HELD_EVENTS = (ev.ChannelStateChanged, ev.ChannelHungUp)
"""The same, for isinstance."""


class HeldAnswers:
    """By the uniqueid of the channel that is up, or gone."""

    def __init__(self) -> None:
        self._held: dict[str, HeldEvent] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, uniqueid: str) -> bool:
        return uniqueid in self._held

    def hold(self, event: HeldEvent) -> None:
        """Keep the event until it is told. The first event of a channel counts."""
        self._held.setdefault(event.uniqueid, event)

    def take(self, uniqueid: str) -> HeldEvent | None:
        """Remove and return the held event of that channel."""
        return self._held.pop(uniqueid, None)

    def take_all(self) -> list[HeldEvent]:
        """All held events, in the order in which they came. None of them is held afterwards."""
        held = list(self._held.values())
        self._held.clear()
        return held

    def due(self, at_ms: int) -> list[HeldEvent]:
        """Remove and return the events that were held for `HELD_MS` at that moment of the PBX's
        clock."""
        if not self._held:
            return []
        due = [x for x in self._held.values() if x.at_ms + HELD_MS <= at_ms]
        for event in due:
            del self._held[event.uniqueid]
        return due


def is_to_be_held(call: PhoneCall, event: HeldEvent) -> bool:
    """Whether more may come soon that tells what this event means."""
    if isinstance(event, ev.ChannelHungUp):
        return _may_have_a_number(call, event)
    return _may_be_picking_up(call, event)


def _may_have_a_number(call: PhoneCall, event: ev.ChannelHungUp) -> bool:
    """Whether an Originate of others ends, and nobody has said whom it would have called."""
    if not call.originated or call.dialled or call.application or call.hang_up is not None:
        return False
    return call.channels.keys() == {event.uniqueid} and all(
        x.answered_ms is None for x in call.legs
    )


def _may_be_picking_up(call: PhoneCall, event: ev.ChannelStateChanged) -> bool:
    """Whether a phone that dialled, and rings nobody, is up now."""
    if event.state is not ev.ChannelState.UP or call.origin is not Origin.PHONE:
        return False
    if call.answered_ms is not None or call.hang_up is not None or len(call.legs) != 1:
        return False
    leg = call.legs[0]
    dials = leg.side is Side.SOURCE and leg.calls_in
    return dials and leg.uniqueid == event.uniqueid and leg.phase < LegPhase.UP
