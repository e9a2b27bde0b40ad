"""The call state machine: pure and total.

`apply` takes a call and one event of the PBX and returns the call after it, and what follows from
it. Unknown, repeated or late events change nothing: a phase never goes back, a channel that is gone
stays gone, a final record is never replaced. A recorded event stream replays to the same result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.answered_by_pbx import mailbox_reached, with_mailbox, with_pbx_on_the_line
from bridge.calls.state.call_channels import with_channel
from bridge.calls.state.call_end import is_to_go
from bridge.calls.state.call_progress import reach_state
from bridge.calls.state.conferences import conference_joined, conference_left
from bridge.calls.state.dial_events import dial_begun, dial_ended, dial_progressed
from bridge.calls.state.effects import DigitPressed, HangUpChannel, Result
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.handing_over import parked, transferred
from bridge.calls.state.hangup_events import hangup_requested, hung_up
from bridge.calls.state.holding import without_hold_of
from bridge.calls.state.legs import assign_first_leg, leg_index, set_leg
from bridge.calls.state.moved_on import queue_left
from bridge.calls.state.originate_events import originate_ended
from bridge.calls.state.originated import without_dial_out
from bridge.calls.state.parking import fetched
from bridge.calls.state.party_lookup import PartyLookup
from bridge.calls.state.phone_call import LegPhase, PhoneCall
from bridge.calls.state.questions import channel_runs, questions


def apply(call: PhoneCall, event: ev.PbxEvent, parties: PartyLookup) -> Result:
    """The call after `event`, and the effects. An ended call does not change any more."""
    if call.final is not None:
        return call, []
    handler = _HANDLERS.get(type(event))
    if handler is None:
        return call, []
    after, effects = handler(call, event, parties)
    if after is call or after.final is not None:
        return after, effects
    after = with_pbx_on_the_line(after, event.at_ms)
    return after, [*effects, *questions(call, after, event)]


def _appeared(call: PhoneCall, event: ev.ChannelAppeared, parties: PartyLookup) -> Result:
    known = event.uniqueid in call.channels
    call = with_channel(call, event.channel, event.at_ms)
    if event.channel.mailbox:
        call = with_mailbox(call, event.channel.mailbox, event.at_ms, parties)
    call, seated = assign_first_leg(call, event.channel, event.at_ms, parties)
    effects = without_dial_out(call, seated)
    call, more = reach_state(call, event.uniqueid, event.channel.state, event.at_ms)
    effects += more
    if not known and is_to_go(call):
        effects.append(HangUpChannel(event.uniqueid))
    return call, effects


def _state_changed(call: PhoneCall, event: ev.ChannelStateChanged, _: PartyLookup) -> Result:
    return reach_state(call, event.uniqueid, event.state, event.at_ms)


def _hold_begun(call: PhoneCall, event: ev.HoldBegun, _: PartyLookup) -> Result:
    return _hold(call, event.uniqueid, event.at_ms)


def _hold_ended(call: PhoneCall, event: ev.HoldEnded, _: PartyLookup) -> Result:
    return _hold(call, event.uniqueid, None)


def _hold(call: PhoneCall, uniqueid: str, since_ms: int | None) -> Result:
    index = leg_index(call, uniqueid)
    if index is None or call.legs[index].phase is LegPhase.GONE:
        return call, []
    return set_leg(call, index, replace(call.legs[index], on_hold_ms=since_ms)), []


def _digit_heard(call: PhoneCall, event: ev.DigitHeard, _: PartyLookup) -> Result:
    index = leg_index(call, event.uniqueid)
    if index is None:
        return call, []  # half a Local channel hears the same digit on its way
    return call, [DigitPressed(event.at_ms, call.legs[index], event.digit)]


def _bridged(call: PhoneCall, event: ev.ChannelBridged, _: PartyLookup) -> Result:
    call = without_hold_of(fetched(call, event.uniqueid), event.uniqueid)
    return reach_state(call, event.uniqueid, event.state, event.at_ms)


_HANDLERS: dict[type[ev.PbxEvent], Callable[[PhoneCall, Any, PartyLookup], Result]] = {
    ev.ChannelAppeared: _appeared,
    ev.ChannelStateChanged: _state_changed,
    ev.DialBegun: dial_begun,
    ev.DialProgressed: dial_progressed,
    ev.DialEnded: dial_ended,
    ev.OriginateEnded: originate_ended,
    ev.HangupRequested: hangup_requested,
    ev.ChannelHungUp: hung_up,
    ev.ChannelBridged: _bridged,
    ev.ChannelParked: parked,
    ev.ConferenceJoined: conference_joined,
    ev.ConferenceLeft: conference_left,
    ev.QueueLeft: queue_left,
    ev.ChannelRuns: channel_runs,
    ev.MailboxReached: mailbox_reached,
    ev.DigitHeard: _digit_heard,
    ev.HoldBegun: _hold_begun,
    ev.HoldEnded: _hold_ended,
    ev.Transferred: transferred,
}
