"""The request that carries an event, and its signature.

Ours, beyond the specification, all in headers so that receivers who know nothing of it work:

    X-Event-Delivery-Id   the same each time this event is sent to this subscription
    X-Event-Sequence      counts the subscription's events from 1, without a gap
    X-Event-Attempt       1 for the first time
    X-Event-Signature     t=<seconds since the epoch>,v1=<hex>

v1 is HMAC-SHA-256, with the subscription's secret as key, over these lines joined by LF, all UTF-8:
t, delivery id, sequence, attempt, method, request target (path and query exactly as in the request
line), and the body exactly as sent (empty for GET).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from yarl import URL

from bridge.phone_call_events.delivery import Delivery
from bridge.phone_call_events.subscription import Method, Subscription

DELIVERY_ID = "X-Event-Delivery-Id"
SEQUENCE = "X-Event-Sequence"
ATTEMPT = "X-Event-Attempt"
SIGNATURE = "X-Event-Signature"


@dataclass(frozen=True, slots=True)
class EventRequest:
    """`url` is sent as it is, never quoted again."""

    method: str
    url: URL
    body: bytes
    headers: dict[str, str]

    @property
    def shown(self) -> str:
        """For the list of deliveries."""
        line = f"{self.method} {self.url}"
        return f"{line}\n{self.body.decode()}" if self.body else line


def event_request(
    subscription: Subscription, delivery: Delivery, attempt: int, now_s: int
) -> EventRequest:
    """`attempt` counts from 1."""
    url, body = subscription.url.partition("#")[0], b""
    if subscription.method is Method.GET:
        joint = "" if url.endswith(("?", "&")) else "&" if "?" in url else "?"
        url += joint + delivery.parameters
    else:
        body = delivery.parameters.encode()
    target = URL(url, encoded=True)
    headers = {
        DELIVERY_ID: delivery.id,
        SEQUENCE: str(delivery.sequence),
        ATTEMPT: str(attempt),
    }
    signed = [str(now_s), *headers.values(), subscription.method.name, target.raw_path_qs]
    headers[SIGNATURE] = f"t={now_s},v1={signature(subscription.secret, signed, body)}"
    if subscription.method is Method.POST:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    return EventRequest(subscription.method.name, target, body, headers)


def signature(secret: str, lines: list[str], body: bytes) -> str:
    text = "\n".join(lines).encode() + b"\n" + body
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
