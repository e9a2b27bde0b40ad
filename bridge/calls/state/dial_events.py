"""The effect of the PBX's dial events on a call."""

from __future__ import annotations

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.behind_halves import rang_out_behind
from bridge.calls.state.call_channels import with_channel
from bridge.calls.state.call_end import is_to_go
from bridge.calls.state.call_progress import reach, reach_state
from bridge.calls.state.cut_off import with_asked_channel
from bridge.calls.state.devices import answers_on, without_device
from bridge.calls.state.effects import Effect, HangUpChannel, Result
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.forwarding import forwarding
from bridge.calls.state.legs import dials_on, leg_index, set_leg
from bridge.calls.state.moved_on import dial_tells, end_of_dial_tells
from bridge.calls.state.originated import goes_out, without_dial_out
from bridge.calls.state.parking import returned
from bridge.calls.state.party_lookup import PartyLookup
from bridge.calls.state.party_of_channel import assign_dialled_leg
from bridge.calls.state.phone_call import LegPhase, PhoneCall, Side
from bridge.calls.state.shown_caller_ids import with_shown_caller_id


def dial_begun(call: PhoneCall, event: ev.DialBegun, parties: PartyLookup) -> Result:
    """A channel of the call, or its dialplan, rings another channel: its party is dialled."""
    effects: list[Effect] = []
    uniqueid = event.dialled.uniqueid
    if uniqueid not in call.channels:
        call = with_channel(call, event.dialled, event.at_ms)
        if is_to_go(call):
            effects.append(HangUpChannel(uniqueid))
    channel = call.channels.get(uniqueid)
    if channel is not None and channel.dialled_by is None and event.caller is not None:
        channel = replace(channel, dialled_by=event.caller)
        call = replace(call, channels={**call.channels, uniqueid: channel})
    call = dials_on(returned(call, event.caller), event.caller)
    call, told = dial_tells(call, event, parties)
    effects += told
    call, more = assign_dialled_leg(call, event, parties)
    call, more = with_shown_caller_id(call, more, event)
    more = without_dial_out(call, more)
    index = leg_index(call, uniqueid)
    if index is not None and call.legs[index].side is Side.DESTINATION:
        call, out = goes_out(call, event.at_ms, event.caller_exten, parties)
        effects += out
    if more:
        call = replace(call, first_to_hang_up=None)
    call, reached = reach_state(call, uniqueid, event.dialled.state, event.at_ms)
    return call, [*effects, *more, *reached]


def dial_progressed(call: PhoneCall, event: ev.DialProgressed, _: PartyLookup) -> Result:
    """Early media is ringing for all that follows: there may be no 180 before the answer."""
    index = leg_index(call, event.dialled_uniqueid)
    if index is None:
        return call, []
    return reach(call, index, LegPhase.RINGING, event.at_ms)


def dial_ended(call: PhoneCall, event: ev.DialEnded, parties: PartyLookup) -> Result:
    """The ringing of one channel is over: its party has answered, or keeps the reason."""
    call, told = end_of_dial_tells(call, event, parties)
    call, effects = _dial_ended(call, event)
    return call, [*told, *effects]


def _dial_ended(call: PhoneCall, event: ev.DialEnded) -> Result:
    if event.status is ev.DialStatus.CANCEL:
        call = with_asked_channel(call, event.dialled_uniqueid)
    index = leg_index(call, event.dialled_uniqueid)
    if index is None:
        return rang_out_behind(call, event), []
    if event.status is ev.DialStatus.ANSWER:
        call = answers_on(call, index, event.dialled_uniqueid)
    if call.legs[index].uniqueid != event.dialled_uniqueid:
        # Another phone of the party goes on, or has answered.
        return without_device(call, index, event.dialled_uniqueid, event.status), []
    leg = call.legs[index]
    if event.status is not ev.DialStatus.CANCEL or leg.dial_status is None:
        # A queue that ends cancels its earlier ringing again; the first status counts.
        leg = replace(leg, dial_status=event.status)
    call = set_leg(call, index, forwarding(leg) if event.forwards or leg.forwards else leg)
    if event.status is ev.DialStatus.ANSWER:
        return reach(call, index, LegPhase.UP, event.at_ms)
    return call, []
