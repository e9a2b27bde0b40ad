"""Parties that hold the others: by their phone (re-INVITE), or by the API.

The PBX tells of the first by events. The second is ours. It begins when the PBX has taken the two
channels apart. It ends when they talk again, or one of them is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.legs import set_leg
from bridge.calls.state.phone_call import ApiHold, Leg, LegPhase, PhoneCall

HOLD_CONTEXT, HELD_EXTEN, WAITING_EXTEN = "uapi-hold", "held", "waits"
"""The places of the dialplan at which the channels of a hold by the API are."""


def holds_since_ms(leg: Leg) -> int | None:
    """Since when this party holds the others, in either way; None if it does not."""
    if leg.phase is not LegPhase.UP or leg.handed_over:
        return None
    moments = [leg.on_hold_ms, leg.api_hold.since_ms if leg.api_hold else None]
    return min((x for x in moments if x is not None), default=None)


def on_hold_since_ms(legs: Iterable[Leg]) -> int | None:
    """Since when one of these parties holds the others."""
    return min((x for x in map(holds_since_ms, legs) if x is not None), default=None)


def with_api_hold(call: PhoneCall, view_id: str, hold: ApiHold | None) -> PhoneCall:
    """The call in which the party of that view holds the others by the API, or no longer does."""
    for index, leg in enumerate(call.legs):
        if leg.view_id == view_id and leg.api_hold != hold:
            return set_leg(call, index, replace(leg, api_hold=hold))
    return call


def without_hold_of(call: PhoneCall, uniqueid: str) -> PhoneCall:
    """The call after this channel talks to somebody, or is gone: no hold has it any more."""
    for leg in call.legs:
        hold = leg.api_hold
        if hold is not None and uniqueid in (hold.held, hold.waiting):
            call = with_api_hold(call, leg.view_id, None)
    return call


def with_holds_of_pbx(
    call: PhoneCall, alive: Mapping[str, ev.ChannelSnapshot], at_ms: int
) -> PhoneCall:
    """The call with the holds by the API that the PBX shows, after events were missed.

    A hold is over if the PBX no longer shows both of its channels, or if these talk again.
    """
    for leg in call.legs:
        hold = leg.api_hold
        if hold is not None and not _is_apart(alive, hold):
            call = with_api_hold(call, leg.view_id, None)
    known = {x.api_hold.held for x in call.legs if x.api_hold is not None}
    for channel in alive.values():
        if _is_at(channel, HELD_EXTEN) and channel.uniqueid not in known:
            call = _with_found_hold(call, channel, alive, at_ms)
    return call


def _with_found_hold(
    call: PhoneCall,
    held: ev.ChannelSnapshot,
    alive: Mapping[str, ev.ChannelSnapshot],
    at_ms: int,
) -> PhoneCall:
    waiting = [x for x in alive.values() if _is_at(x, WAITING_EXTEN)]
    holders = [
        x
        for x in call.legs
        if x.phase is LegPhase.UP and not x.handed_over and x.uniqueid != held.uniqueid
    ]
    if len(waiting) != 1 or len(holders) != 1:
        return call
    found = ApiHold(at_ms, held.uniqueid, waiting[0].uniqueid)
    return with_api_hold(call, holders[0].view_id, found) if _is_apart(alive, found) else call


def _is_at(channel: ev.ChannelSnapshot, exten: str) -> bool:
    return channel.context == HOLD_CONTEXT and channel.exten == exten


def _is_apart(alive: Mapping[str, ev.ChannelSnapshot], hold: ApiHold) -> bool:
    """Whether both channels live and are not in one bridge.

    After a hold, too, they are at the place in the dialplan where the hold sent them.
    """
    held, waiting = alive.get(hold.held), alive.get(hold.waiting)
    if held is None or waiting is None:
        return False
    return _is_at(held, HELD_EXTEN) and (not held.bridge or held.bridge != waiting.bridge)
