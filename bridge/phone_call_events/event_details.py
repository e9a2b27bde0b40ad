"""Our facts about an event, beyond the parameters of the UnifiedAPI, so that nothing is guessed.

They are kept as JSON with the event. An event in JSON has them as fields, an event in the form has
them in a header.
"""

from __future__ import annotations

from typing import Any

import orjson

from bridge.calls.state.outcome import outcome_of
from bridge.calls.state.phone_call import Leg, PhoneCall
from bridge.phone_call_events.call_events import CallEvent
from bridge.phone_call_events.subscription import EventType


def event_details(event: CallEvent, call: PhoneCall) -> dict[str, Any]:
    """The facts with their names, in the order of docs/phone-call-events.md; those without a value
    are left out. Moments in ms since the epoch, times in ms."""
    details = {
        "type": str(int(event.type)),
        "occurredMs": event.at_ms,
        "extension": event.extension,
        "phoneCallId": event.call_id(call),
        "callId": call.linkedid,
        **(_outcome(call, event.leg) if event.type is EventType.HANG_UP else {}),
    }
    return {name: value for name, value in details.items() if value is not None}


def details_text(details: dict[str, Any], metadata: str | None = None) -> str:
    """As it is kept. `metadata`: of the call, as JSON, for the app that gave it."""
    if metadata is not None:
        details = {**details, "metadata": orjson.Fragment(metadata)}
    return orjson.dumps(details).decode()


def _outcome(call: PhoneCall, leg: Leg | None) -> dict[str, Any]:
    """How the ended call came out for this party; None: for the extension that only pays."""
    final = call.final
    if final is None:
        return {}
    refused = leg is not None and leg.answered_ms is None and not leg.calls_in
    sip_code, cause = (leg.sip_code, leg.cause) if leg is not None and refused else (None, None)
    return {
        "durationMs": _talked_ms(call, leg),
        "disposition": int(outcome_of(call, leg).disposition),
        "sipCode": final.sip_code if sip_code is None else sip_code,
        "hangupCause": final.cause if cause is None else cause,
        "endedBy": final.by.value,
    }


def _talked_ms(call: PhoneCall, leg: Leg | None) -> int:
    """From the moment at which both sides heard each other to the end of this party's talk."""
    if call.final is None or call.answered_ms is None:
        return 0
    if leg is None:
        return max(0, call.final.at_ms - call.answered_ms)
    if leg.answered_ms is None and not leg.calls_in:
        return 0
    began_ms = max(call.answered_ms, leg.answered_ms or 0)
    return max(0, (leg.ended_ms or call.final.at_ms) - began_ms)
