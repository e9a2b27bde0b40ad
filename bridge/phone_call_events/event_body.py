"""An event as its receiver gets it: as JSON, or the header with our facts beside the form."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import orjson

from bridge.phone_call_events.delivery import Delivery
from bridge.phone_call_events.form_text import form_text

# In JSON only: they may be longer than servers take a header.
_LONG = ("metadata",)


def json_body(delivery: Delivery) -> bytes:
    """The same bytes at each attempt."""
    event = {"deliveryId": delivery.id, "sequence": delivery.sequence, **_facts(delivery)}
    if delivery.parameters:  # the state of a call has none
        event["parameters"] = dict(parse_qsl(delivery.parameters, keep_blank_values=True))
    return orjson.dumps(event)


def details_header(delivery: Delivery) -> str:
    """The facts, form-encoded: ASCII, and read like the body."""
    facts = _facts(delivery)
    for name in _LONG:
        facts.pop(name, None)
    if True in facts.values():
        facts = {name: "true" if value is True else value for name, value in facts.items()}
    return form_text(facts)


def _facts(delivery: Delivery) -> dict[str, Any]:
    """An event of before these were kept has those that its row had."""
    if delivery.details is None:
        return {"occurredMs": delivery.occurred_ms, "phoneCallId": delivery.call_id}
    facts: dict[str, Any] = orjson.loads(delivery.details)
    facts["extensionSequence"] = delivery.extension_sequence
    return facts
