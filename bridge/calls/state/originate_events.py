"""The effect of OriginateResponse on a call: an Originate of ours, or of somebody else."""

from __future__ import annotations

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.call_end import end
from bridge.calls.state.call_progress import connect, reach
from bridge.calls.state.effects import Result
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.final_record import conclude
from bridge.calls.state.legs import leg_index
from bridge.calls.state.originated import goes_out
from bridge.calls.state.party_lookup import PartyLookup
from bridge.calls.state.phone_call import Disposition, EndedBy, FinalRecord, LegPhase, PhoneCall


def originate_ended(call: PhoneCall, event: ev.OriginateEnded, parties: PartyLookup) -> Result:
    """The PBX tells the result of an Originate; without a channel it is the end of the call."""
    if call.originated and event.call_id == call.first_channel:
        return _others_originate_ended(call, event, parties)
    if event.call_id != call.id or call.originate_reason is not None:
        return call, []
    call = replace(call, originate_reason=event.reason)
    if event.succeeded:
        index = leg_index(call, call.id)
        if index is None:
            return call, []
        if call.legs[index].forwards:
            # The phone of its forward has answered.
            return (call, []) if call.channels else end(call, conclude(call, event.at_ms))
        if call.legs[index].phase is LegPhase.GONE and not call.channels:
            # It was answered elsewhere than on its channel, by somebody of whom we know nothing.
            record = FinalRecord(event.at_ms, Disposition.UNKNOWN, EndedBy.SOURCE, "forwarded")
            return end(call, record)
        return reach(call, index, LegPhase.UP, event.at_ms)
    # Without a channel there will be no Hangup: this is the only word about the end
    # (docs/reference/asterisk.md §3).
    return (call, []) if call.channels else end(call, conclude(call, event.at_ms))


def _others_originate_ended(
    call: PhoneCall, event: ev.OriginateEnded, parties: PartyLookup
) -> Result:
    if not event.succeeded:
        return goes_out(call, event.at_ms, event.exten, parties)
    call = replace(call, application=event.application)
    call, effects = goes_out(call, event.at_ms, event.exten, parties)
    call, connected = connect(call, event.at_ms)
    return call, [*effects, *connected]
