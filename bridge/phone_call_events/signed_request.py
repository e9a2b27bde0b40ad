"""The request that carries an event, and its signature.

These headers are not in the specification; receivers may ignore them:

    X-Event-Delivery-Id   the same each time this event is sent to this subscription
    X-Event-Sequence      counts the subscription's events from 1, without a gap
    X-Event-Attempt       1 for the first time
    X-Event-Signature     t=<seconds since the epoch>,v1=<hex>

v1 is HMAC-SHA-256 with the subscription's secret as key, over these lines in UTF-8, joined by LF:
t, delivery id, sequence, attempt, method, request target, body. The request target is path and
query exactly as in the request line. The body is exactly as sent (empty for GET).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from functools import lru_cache

from yarl import URL

from bridge.phone_call_events.delivery import Delivery
from bridge.phone_call_events.subscription import Method

DELIVERY_ID = "X-Event-Delivery-Id"
SEQUENCE = "X-Event-Sequence"
ATTEMPT = "X-Event-Attempt"
SIGNATURE = "X-Event-Signature"

_TARGETS_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class EventTarget:
    """The parts that all requests to one URL share. The URL is parsed once, not for each event.

    `shown` and `path` (with the query, as in the request line) end where the parameters of a GET
    follow. No part of the URL is quoted again.
    """

    method: Method
    origin: URL
    shown: str
    path: str
    headers: str


@dataclass(frozen=True, slots=True)
class EventRequest:
    """`wire`: the bytes to send. `shown`: for the list of deliveries."""

    wire: bytes
    shown: str


@lru_cache(_TARGETS_KEPT)
def event_target(url: str, method: Method) -> EventTarget:
    """The parts of a request that are the same for every event. `url` has passed check_url."""
    url = url.partition("#")[0]
    parameters = ""
    if method is Method.GET:
        parameters = "x"  # their place: an empty query would be dropped
        url += ("" if url.endswith(("?", "&")) else "&" if "?" in url else "?") + parameters
    parsed = URL(url, encoded=True)
    headers = (
        f"Host: {parsed.host_port_subcomponent}\r\n"
        "User-Agent: uapi-bridge\r\n"
        "Accept: */*\r\n"
        "Accept-Encoding: identity\r\n"
    )
    if method is Method.POST:
        headers += "Content-Type: application/x-www-form-urlencoded\r\n"
    return EventTarget(
        method=method,
        origin=parsed.origin(),
        shown=f"{method.name} {parsed}".removesuffix(parameters),
        path=parsed.raw_path_qs.removesuffix(parameters),
        headers=headers,
    )


def event_request(
    target: EventTarget, secret: str, delivery: Delivery, attempt: int, now_s: int
) -> EventRequest:
    """The signed request for one attempt.

    `attempt` counts from 1; `now_s`: seconds since 1970, part of the signature.
    """
    method, path, shown, headers, body = (
        target.method.name,
        target.path,
        target.shown,
        target.headers,
        b"",
    )
    if target.method is Method.GET:
        path += delivery.parameters
        shown += delivery.parameters
    else:
        body = delivery.parameters.encode()
        shown += f"\n{delivery.parameters}"
        headers += f"Content-Length: {len(body)}\r\n"
    signed = [str(now_s), delivery.id, str(delivery.sequence), str(attempt), method, path]
    head = (
        f"{method} {path} HTTP/1.1\r\n{headers}"
        f"{DELIVERY_ID}: {delivery.id}\r\n"
        f"{SEQUENCE}: {delivery.sequence}\r\n"
        f"{ATTEMPT}: {attempt}\r\n"
        f"{SIGNATURE}: t={now_s},v1={signature(secret, signed, body)}\r\n"
        "\r\n"
    )
    return EventRequest(head.encode() + body, shown)


def signature(secret: str, lines: list[str], body: bytes) -> str:
    """HMAC-SHA256 (RFC 2104) in hex, of the lines with a line end after each, and the body.

    docs/phone-call-events.md tells receivers how to check it.
    """
    text = "\n".join(lines).encode() + b"\n" + body
    return hmac.digest(secret.encode(), text, "sha256").hex()
