"""An event as its receiver gets it: as JSON, or the header with our facts beside the form."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import orjson

from bridge.phone_call_events.delivery import Delivery

# In JSON only: they may be longer than servers take a header.
_LONG = ("metadata",)
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")


def json_body(delivery: Delivery) -> bytes:
    """The same bytes at each attempt."""
    event = {"deliveryId": delivery.id, "sequence": delivery.sequence, **_facts(delivery)}
    if delivery.parameters:  # the state of a call has none
        event["parameters"] = dict(parse_qsl(delivery.parameters, keep_blank_values=True))
    return orjson.dumps(event)


def details_header(delivery: Delivery) -> str:
    """The facts, form-encoded: ASCII, and read like the body."""
    return "&".join(
        [f"{name}={_encoded(x)}" for name, x in _facts(delivery).items() if name not in _LONG]
    )


def _encoded(value: Any) -> str:
    """As `urlencode` has it, which takes five times as long for the numbers and ids of nearly all
    facts."""
    text = "true" if value is True else str(value)
    return text if _PLAIN.fullmatch(text) else quote_plus(text)


def _facts(delivery: Delivery) -> dict[str, Any]:
    """An event of before these were kept has those that its row had."""
    if delivery.details is None:
        return {"occurredMs": delivery.occurred_ms, "phoneCallId": delivery.call_id}
    facts: dict[str, Any] = orjson.loads(delivery.details)
    return {**facts, "extensionSequence": delivery.extension_sequence}
