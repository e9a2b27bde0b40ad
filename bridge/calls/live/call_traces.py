"""Tells the traces what happens to calls: an observer of the switchboard."""

from __future__ import annotations

from bridge.calls.live.change import Change
from bridge.calls.state.effects import CallEnded, LegProgressed
from bridge.calls.state.phone_call import FinalRecord, PhoneCall
from bridge.tracing.traces import Attributes, Traces


class CallTraces:
    """`changed` observes."""

    def __init__(self, traces: Traces) -> None:
        self._traces = traces

    def changed(self, change: Change) -> None:
        """Tell each step of a party, and the end of the call."""
        call = change.after
        for effect in change.effects:
            if isinstance(effect, LegProgressed):
                side: Attributes = {"uapi.side": effect.leg.side.value}
                self._traces.call_changed(call.id, effect.step.value, effect.at_ms, side)
            elif isinstance(effect, CallEnded):
                self._traces.call_ended(call.id, effect.final.at_ms, _outcome(call, effect.final))


def _outcome(call: PhoneCall, final: FinalRecord) -> Attributes:
    outcome: dict[str, str | int | bool] = {
        "uapi.origin": call.origin.value,
        "uapi.disposition": final.disposition.name.lower(),
        "uapi.ended_by": final.by.value,
        "uapi.answered": call.answered_ms is not None,
    }
    if final.cause is not None:
        outcome["uapi.hangup_cause"] = final.cause
    return outcome
