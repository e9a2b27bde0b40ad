"""The states of a call of the API, as the URL of its create hears them (`statusUrl`). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bridge.calls.live.change import Change
from bridge.calls.state.effects import (
    CallConnected,
    CallEnded,
    CallTransferred,
    Effect,
    LegProgressed,
    LegStep,
)
from bridge.calls.state.phone_call import FinalRecord, Leg, PhoneCall

_OF_STEP = {
    LegStep.DIALLED: "dialling",
    LegStep.RINGING: "ringing",
    LegStep.ANSWERED: "answered",
    LegStep.ENDED: "left",
}
STATES = (*_OF_STEP.values(), "connected", "transferred", "ended")
"""The values of `state`."""


@dataclass(frozen=True, slots=True)
class CallState:
    """`part` tells it from the other states of this call. `facts`: what the receiver reads."""

    part: str
    at_ms: int
    facts: dict[str, Any]


def states_of(change: Change) -> list[CallState]:
    """The new states of the call after this change, in the order of sending."""
    found = (_state(change.after, x) for x in change.effects)
    return [x for x in found if x is not None]


def _state(call: PhoneCall, effect: Effect) -> CallState | None:
    if isinstance(effect, LegProgressed):
        leg, state = effect.leg, _OF_STEP[effect.step]
        part = f"{leg.view_id} {leg.uniqueid}"
        return _told(call, state, part, effect.at_ms, {"party": _party(leg)})
    if isinstance(effect, CallConnected):
        return _told(call, "connected", "", effect.at_ms, {})
    if isinstance(effect, CallTransferred):
        by = {} if effect.leg is None else {"party": _party(effect.leg)}
        more = {**by, "transferredTo": effect.target}
        return _told(call, "transferred", str(effect.at_ms), effect.at_ms, more)
    if isinstance(effect, CallEnded):
        return _told(call, "ended", "", effect.final.at_ms, _end(call, effect.final))
    return None


def _told(call: PhoneCall, state: str, part: str, at_ms: int, more: dict[str, Any]) -> CallState:
    facts = {
        "state": state,
        "occurredMs": at_ms,
        "extension": call.extension,
        "phoneCallId": call.id,
        "callId": call.linkedid,
        "nonce": call.nonce,
        **more,
    }
    known = {name: value for name, value in facts.items() if value is not None}
    return CallState(f"{state} {part}", at_ms, known)


def _party(leg: Leg) -> dict[str, Any]:
    party = {
        "phoneCallViewId": leg.view_id,
        "side": leg.side.value,
        "number": leg.number,
        "extension": leg.extension,
    }
    return {name: value for name, value in party.items() if value is not None}


def _end(call: PhoneCall, final: FinalRecord) -> dict[str, Any]:
    talked_ms = 0 if call.answered_ms is None else max(0, final.at_ms - call.answered_ms)
    return {
        "durationMs": talked_ms,
        "disposition": int(final.disposition),
        "sipCode": final.sip_code,
        "hangupCause": final.cause,
        "endedBy": final.by.value,
        "reason": final.reason or None,
    }
