"""Bringing a call in line with what lives on the PBX, after events were missed.

Pure, as the transition function. What the PBX still has is taken over; what it no longer has ended
unseen, in the window since we last heard of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from bridge.calls import pbx_events as ev
from bridge.calls.effects import Effect
from bridge.calls.legs import assign_found_leg, leg_index, set_leg
from bridge.calls.parties import PartyLookup
from bridge.calls.phone_call import (
    Disposition,
    EndedBy,
    FinalRecord,
    LegPhase,
    Origin,
    PhoneCall,
)
from bridge.calls.replace import replace
from bridge.calls.transition import PHASE_OF_STATE, Result, apply, end, originate_still_open


@dataclass(frozen=True, slots=True)
class Window:
    """`asked_ms`: when the list of channels was asked for; `since_ms`: from when events miss.

    An accepted call may stay without a channel for `originate_grace_ms`, since Asterisk queues an
    Originate and makes its channel a moment later. `our_clock_ahead_ms` of the PBX's: a call of the
    API is as old as our clock says. `new_meanwhile`: channels that were heard of after the list was
    asked for, rightly missing from it. `being_placed`: calls that the PBX has not taken yet.
    """

    asked_ms: int
    since_ms: int
    originate_grace_ms: int
    our_clock_ahead_ms: int = 0
    new_meanwhile: Set[str] = frozenset()
    being_placed: Set[str] = frozenset()


def reconcile(
    call: PhoneCall,
    alive: Mapping[str, ev.ChannelSnapshot],
    window: Window,
    parties: PartyLookup,
) -> Result:
    """`alive`: the channels of this call on the PBX, by uniqueid."""
    if call.final is not None or _as_known(call, alive):
        return call, []
    effects: list[Effect] = []
    for channel in _root_first(alive, call.linkedid):
        call, more = apply(
            call,
            ev.ChannelAppeared(window.asked_ms, channel.uniqueid, channel.linkedid, channel),
            parties,
        )
        effects += more
        call, found = assign_found_leg(call, channel, window.asked_ms, parties)
        effects += found
        call, reached = apply(
            call,
            ev.ChannelStateChanged(
                window.asked_ms, channel.uniqueid, channel.linkedid, channel.state
            ),
            parties,
        )
        effects += reached
    call = _drop_dead(call, alive, window)
    if call.channels or _channel_may_come(call, window):
        return call, effects
    call, ended = end(call, _lost(call, window))
    return call, [*effects, *ended]


def _root_first(alive: Mapping[str, ev.ChannelSnapshot], linkedid: str) -> list[ev.ChannelSnapshot]:
    """The channel that began the call first, so that the source is the first party again."""
    return sorted(alive.values(), key=lambda x: (x.uniqueid != linkedid, x.uniqueid))


def _as_known(call: PhoneCall, alive: Mapping[str, ev.ChannelSnapshot]) -> bool:
    """Whether nothing was missed, as of most calls: each of its channels lives as it did."""
    if not alive or call.channels.keys() != alive.keys():
        return False
    for uniqueid, channel in alive.items():
        index = leg_index(call, uniqueid)
        if index is None or call.channels[uniqueid].state is not channel.state:
            return False
        if call.legs[index].phase < PHASE_OF_STATE.get(channel.state, LegPhase.WAITING):
            return False
    return True


def _drop_dead(
    call: PhoneCall, alive: Mapping[str, ev.ChannelSnapshot], window: Window
) -> PhoneCall:
    dead = [x for x in call.channels if x not in alive and x not in window.new_meanwhile]
    if not dead:
        return call
    for uid in dead:
        index = leg_index(call, uid)
        if index is not None:
            leg = replace(call.legs[index], phase=LegPhase.GONE, ended_ms=window.asked_ms)
            call = set_leg(call, index, leg)
    return replace(call, channels={k: v for k, v in call.channels.items() if k not in dead})


def _channel_may_come(call: PhoneCall, window: Window) -> bool:
    """Also of a call that was answered, as the Originate says: under load that overtakes the news
    of the channel by far (more than 100 ms seen on 22.10.1 with 50 calls being made at once).

    A call whose channel is gone waits for the word that says why."""
    if call.origin is not Origin.API:
        return False
    if any(leg.uniqueid is not None for leg in call.legs) and not result_is_missing(call):
        return False
    if call.id in window.being_placed:
        return True
    age_ms = window.asked_ms + window.our_clock_ahead_ms - call.published_ms
    return age_ms < window.originate_grace_ms


def result_is_missing(call: PhoneCall) -> bool:
    """Whether its channels have come and gone, and the result of the Originate is still to come."""
    return not call.channels and any(x.uniqueid for x in call.legs) and originate_still_open(call)


def _lost(call: PhoneCall, window: Window) -> FinalRecord:
    answered = call.answered_ms is not None
    return FinalRecord(
        at_ms=window.asked_ms,
        disposition=Disposition.ANSWERED if answered else Disposition.UNKNOWN,
        by=call.hang_up.by if call.hang_up is not None else EndedBy.UNKNOWN,
        reason="lost while disconnected",
        not_before_ms=max(window.since_ms, call.published_ms),
    )
