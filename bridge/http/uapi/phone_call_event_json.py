"""A PhoneCallEvent and its deliveries in the API's form (docs/reference/uapi.md §3).

Type, method and status are strings, as in the examples. Deliveries are ours.
"""

from __future__ import annotations

from bridge.http.uapi.collection import FilterField
from bridge.http.uapi.fields import Json
from bridge.http.uapi.phone_call_json import date, moment_s, without_nulls
from bridge.phone_call_events.delivery import Delivery
from bridge.phone_call_events.receiver_tests import TEST_CALL_ID
from bridge.phone_call_events.subscription import BodyFormat, Subscription, types_text

PHONE_CALL_EVENT_FIELDS = frozenset(
    {"id", "type", "url", "method", "status", "note", "format", "modified", "links", "link"}
)

FILTERABLE: dict[str, FilterField[Subscription]] = {
    name: FilterField(text, text, str)
    for name, text in {
        "id": lambda x: x.id,
        "type": lambda x: types_text(x.types),
        "url": lambda x: x.url,
        "method": lambda x: str(int(x.method)),
        "status": lambda x: str(int(x.enabled)),
        "note": lambda x: x.note,
        "format": lambda x: x.format.value,
    }.items()
} | {
    "modified": FilterField(
        lambda x: date(x.modified_ms) or "", lambda x: x.modified_ms // 1000, moment_s
    )
}


def phone_call_event_json(subscription: Subscription, collection_url: str) -> Json:
    """`collection_url`: of all events of the extension. The secret is never part of it."""
    types = types_text(subscription.types)
    links = {"self": f"{collection_url}/{types}/{subscription.id}"}
    return without_nulls(
        {
            "id": subscription.id,
            "type": types,
            "url": subscription.url,
            "method": str(int(subscription.method)),
            "status": str(int(subscription.enabled)),
            "note": subscription.note or None,
            "format": subscription.format.value if subscription.format is BodyFormat.JSON else None,
            "modified": date(subscription.modified_ms),
            "links": links,
            "link": links,
        }
    )


def delivery_json(delivery: Delivery) -> Json:
    """`request` is the last one sent; before the first there is none. `duration` in ms.

    `blocking`: it fails again and again, and the later ones wait for it.
    """
    return without_nulls(
        {
            "id": delivery.id,
            "sequence": delivery.sequence,
            "phoneCallId": delivery.call_id,
            "state": delivery.state.value,
            "occurred": date(delivery.occurred_ms),
            "occurredMs": delivery.occurred_ms,
            "extensionSequence": delivery.extension_sequence,
            "parameters": delivery.parameters,
            "attempts": delivery.attempts,
            "attempted": date(delivery.attempted_ms),
            "request": delivery.request,
            "status": delivery.http_status,
            "error": delivery.error,
            "duration": delivery.duration_ms,
            "nextAttempt": date(delivery.next_attempt_ms or None) if _waits(delivery) else None,
            "blocking": delivery.blocking or None,
            "finished": date(delivery.finished_ms),
            "test": delivery.call_id == TEST_CALL_ID or None,
        }
    )


def _waits(delivery: Delivery) -> bool:
    return delivery.finished_ms is None
