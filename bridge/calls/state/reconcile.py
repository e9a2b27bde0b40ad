"""Bringing a call in line with what lives on the PBX, after events were missed.

Pure, as the transition function. Channels that the PBX still has are taken over. Channels that it
no longer has ended unseen, in the window since their last event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.answered_by_pbx import with_pbx_on_the_line
from bridge.calls.state.api_transfer import without_transfers_not_done
from bridge.calls.state.call_end import end, originate_still_open
from bridge.calls.state.call_progress import PHASE_OF_STATE
from bridge.calls.state.devices import without_device
from bridge.calls.state.effects import Effect, Result
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.holding import with_holds_of_pbx
from bridge.calls.state.legs import leg_index, set_leg, with_source
from bridge.calls.state.local_halves import is_without_channel, may_be_dialled_again
from bridge.calls.state.parking import with_parking_of_pbx
from bridge.calls.state.party_lookup import PartyLookup
from bridge.calls.state.party_of_channel import assign_found_leg
from bridge.calls.state.phone_call import (
    Disposition,
    EndedBy,
    FinalRecord,
    LegPhase,
    Origin,
    PhoneCall,
    Side,
    fork_channel_id,
)
from bridge.calls.state.transition import apply

INSTANCE_LOST = "instance lost"
"""The reason of a call whose instance died, or was cut off, before the PBX made a channel of it."""


@dataclass(frozen=True, slots=True)
class Window:
    """`asked_ms`: when the list of channels was asked for; `since_ms`: from when events miss.

    An accepted call may stay without a channel for `originate_grace_ms`, since Asterisk queues an
    Originate and makes its channel a moment later. `our_clock_ahead_ms` of the PBX's: a call of the
    API is as old as our clock says. `new_meanwhile`: channels that were heard of after the list was
    asked for, rightly missing from it. `being_placed`: calls that the PBX has not taken yet.
    `settled`: calls that were sent over a link that is gone. If the PBX has no channel and no
    result of the Originate for them by now, it never will. `missed_events`: the link has come up;
    holds and transfers by the API are compared then only. At other times an action may be under
    way. `of_lost_instance`: calls that another instance accepted, and of which no channel is known.
    """

    asked_ms: int
    since_ms: int
    originate_grace_ms: int
    our_clock_ahead_ms: int = 0
    new_meanwhile: Set[str] = frozenset()
    being_placed: Set[str] = frozenset()
    settled: Set[str] = frozenset()
    missed_events: bool = False
    of_lost_instance: Set[str] = frozenset()


def reconcile(
    call: PhoneCall,
    alive: Mapping[str, ev.ChannelSnapshot],
    window: Window,
    parties: PartyLookup,
) -> Result:
    """Bring one call in line with the PBX; returns it with the effects.

    `alive`: the channels of this call on the PBX, by uniqueid. An ended call stays as it is.
    """
    if call.final is not None:
        return call, []
    if window.missed_events:
        call = without_transfers_not_done(call, alive)
        call = with_holds_of_pbx(call, alive, window.asked_ms)
        call = with_parking_of_pbx(call, alive)
    if is_as_known(call, alive, window.asked_ms):
        return call, []
    effects: list[Effect] = []
    for channel in root_first(alive.values(), call.linkedid):
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
    call = _with_source(_drop_dead(call, alive, window))
    call = with_pbx_on_the_line(call, window.asked_ms)
    if call.channels or _channel_may_come(call, window):
        return call, effects
    call, ended = end(call, _lost(call, window))
    return call, [*effects, *ended]


def root_first(
    channels: Iterable[ev.ChannelSnapshot], linkedid: str = ""
) -> list[ev.ChannelSnapshot]:
    """Channels that began a call come first, so that its source is the first party again. The
    others follow as they came, since a Uniqueid ends in a counter.

    `linkedid`: that of the call, if all channels are of one call.
    """

    def place(channel: ev.ChannelSnapshot) -> tuple[bool, int, str]:
        uniqueid = channel.uniqueid
        return uniqueid != (linkedid or channel.linkedid), len(uniqueid), uniqueid

    return sorted(channels, key=place)


def is_as_known(call: PhoneCall, alive: Mapping[str, ev.ChannelSnapshot], asked_ms: int) -> bool:
    """Whether nothing was missed, as of most calls: each of its channels lives as it did.

    `asked_ms`: when the list of channels was asked for.
    """
    if not alive or call.channels.keys() != alive.keys():
        return False
    has_halves = False
    for uniqueid, channel in alive.items():
        if call.channels[uniqueid].state is not channel.state:
            return False
        index = leg_index(call, uniqueid)
        if index is None:
            if not _is_own_half(call, channel):
                return False
            has_halves = True
        elif call.legs[index].phase < PHASE_OF_STATE.get(channel.state, LegPhase.WAITING):
            return False
    if has_halves and with_pbx_on_the_line(call, asked_ms) is not call:
        return False
    return _with_source(call) is call


def _is_own_half(call: PhoneCall, channel: ev.ChannelSnapshot) -> bool:
    """Whether that is half the Local channel that rings the sources of a call of the API: no party,
    and none that is still to be found."""
    own = channel.uniqueid == call.id or channel.uniqueid == fork_channel_id(call.id)
    if not own or call.origin is not Origin.API or not call.channels[channel.uniqueid].local:
        return False
    seated = all(x.uniqueid is not None for x in call.legs if x.side is Side.SOURCE)
    return seated and channel.mailbox in ("", call.mailbox)


def _with_source(call: PhoneCall) -> PhoneCall:
    """Its source may have handed it over unheard. (One party alone is about to go as well.)"""
    return with_source(call, ()) if len(call.channels) > 1 else call


def _drop_dead(
    call: PhoneCall, alive: Mapping[str, ev.ChannelSnapshot], window: Window
) -> PhoneCall:
    dead = [x for x in call.channels if x not in alive and x not in window.new_meanwhile]
    if not dead:
        return call
    call = replace(call, channels={k: v for k, v in call.channels.items() if k not in dead})
    for uid in dead:
        index = leg_index(call, uid)
        if index is None:
            continue
        left = without_device(call, index, uid)
        if left is call and not may_be_dialled_again(call, call.legs[index]):
            left = _without_leg(call, index, window)
        call = left
    for index, leg in enumerate(call.legs):
        if is_without_channel(call, leg):
            call = _without_leg(call, index, window)
    return call


def _without_leg(call: PhoneCall, index: int, window: Window) -> PhoneCall:
    leg = replace(call.legs[index], phase=LegPhase.GONE, ended_ms=window.asked_ms)
    return set_leg(call, index, leg)


def _channel_may_come(call: PhoneCall, window: Window) -> bool:
    """Also of a call that was answered, as the Originate says. Under load that overtakes the news
    of the channel by far (more than 100 ms seen on 22.10.1 with 50 calls being made at once).

    A call whose channel is gone waits for the word that says why."""
    if call.origin is not Origin.API or call.id in window.settled:
        return False
    if any(leg.uniqueid is not None for leg in call.legs) and not result_is_missing(call):
        return False
    if call.id in window.being_placed:
        return True
    age_ms = window.asked_ms + window.our_clock_ahead_ms - call.published_ms
    return age_ms < window.originate_grace_ms


def _unheard_of(call: PhoneCall) -> bool:
    return call.hang_up is None and all(x.uniqueid is None for x in call.legs)


def result_is_missing(call: PhoneCall) -> bool:
    """Whether its channels have come and gone, and the result of the Originate is still to come."""
    return not call.channels and any(x.uniqueid for x in call.legs) and originate_still_open(call)


def _lost(call: PhoneCall, window: Window) -> FinalRecord:
    disposition, reason = Disposition.UNKNOWN, "lost while disconnected"
    if call.answered_ms is not None:
        disposition = Disposition.ANSWERED
    elif call.id in window.of_lost_instance and _unheard_of(call):
        disposition, reason = Disposition.FAILED, INSTANCE_LOST
    return FinalRecord(
        at_ms=window.asked_ms,
        disposition=disposition,
        by=call.hang_up.by if call.hang_up is not None else EndedBy.UNKNOWN,
        reason=reason,
        not_before_ms=max(window.since_ms, call.published_ms),
    )
