"""An event as its receiver gets it: as JSON, or the header with our facts beside the form."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import orjson

from bridge.phone_call_events.delivery import Delivery

# In JSON only: they may be longer than servers take a header.
_LONG = ("metadata",)
_PLAIN = re.compile(r"[A-Za-z0-9_.~*&=-]*")


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
    text = "&".join(
        [f"{name}={'true' if value is True else value}" for name, value in facts.items()]
    )
    # Nearly always numbers, ids and extensions: looked at as one text, which is much faster.
    if _PLAIN.fullmatch(text) and text.count("=") == len(facts) == text.count("&") + 1:
        return text.replace("*", "%2A")
    return "&".join([f"{name}={_encoded(value)}" for name, value in facts.items()])


def _encoded(value: Any) -> str:
    return quote_plus("true" if value is True else str(value))


def _facts(delivery: Delivery) -> dict[str, Any]:
    """An event of before these were kept has those that its row had."""
    if delivery.details is None:
        return {"occurredMs": delivery.occurred_ms, "phoneCallId": delivery.call_id}
    facts: dict[str, Any] = orjson.loads(delivery.details)
    facts["extensionSequence"] = delivery.extension_sequence
    return facts
