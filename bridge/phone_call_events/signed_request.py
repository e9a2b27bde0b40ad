"""The request that carries an event, and its signature.

These headers are not in the specification; receivers may ignore them:

    X-Event-Delivery-Id   the same each time this event is sent to this subscription
    X-Event-Sequence      counts the subscription's events from 1, without a gap
    X-Event-Attempt       1 for the first time
    X-Event-Signature     t=<seconds since the epoch>,v1=<hex>
    X-Event-Details       our facts about the event, form-encoded; an event in JSON has them inside
    X-Event-Details-Signature  the same form

v1 is HMAC-SHA-256 with the subscription's secret as key, over these lines in UTF-8, joined by LF:
t, delivery id, sequence, attempt, method, request target, body. The request target is path and
query exactly as in the request line. The body is exactly as sent (empty for GET). That of the
details is over t, delivery id and details. With several secrets there is a v1 of each. A POST has
the headers of Standard Webhooks too (bridge/phone_call_events/standard_webhooks.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from yarl import URL

from bridge.phone_call_events.delivery import Delivery
from bridge.phone_call_events.event_body import details_header, json_body
from bridge.phone_call_events.keyed_hash import keyed_hash
from bridge.phone_call_events.standard_webhooks import standard_headers
from bridge.phone_call_events.subscription import BodyFormat, Method

DELIVERY_ID = "X-Event-Delivery-Id"
SEQUENCE = "X-Event-Sequence"
ATTEMPT = "X-Event-Attempt"
SIGNATURE = "X-Event-Signature"
DETAILS = "X-Event-Details"
DETAILS_SIGNATURE = "X-Event-Details-Signature"

_TARGETS_KEPT = 1_000
_CONTENT_TYPES = {
    BodyFormat.FORM: "application/x-www-form-urlencoded",
    BodyFormat.JSON: "application/json",
}


@dataclass(frozen=True, slots=True)
class EventTarget:
    """The parts that all requests to one URL share. The URL is parsed once, not for each event.

    `shown` and `path` (with the query, as in the request line) end where the parameters of a GET
    follow. No part of the URL is quoted again. `format`: of a POST. `host`: whose turns it takes.
    """

    method: Method
    format: BodyFormat
    origin: URL
    host: str
    shown: str
    path: str
    headers: str


@dataclass(frozen=True, slots=True)
class EventRequest:
    """`wire`: the bytes to send. `shown`: for the list of deliveries."""

    wire: bytes
    shown: str


@lru_cache(_TARGETS_KEPT)
def event_target(
    url: str, method: Method, body_format: BodyFormat = BodyFormat.FORM
) -> EventTarget:
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
        headers += f"Content-Type: {_CONTENT_TYPES[body_format]}\r\n"
    return EventTarget(
        method=method,
        format=body_format,
        origin=parsed.origin(),
        host=(parsed.raw_host or "").rstrip(".").lower(),
        shown=f"{method.name} {parsed}".removesuffix(parameters),
        path=parsed.raw_path_qs.removesuffix(parameters),
        headers=headers,
    )


def event_request(
    target: EventTarget,
    secrets: Sequence[str],
    delivery: Delivery,
    attempt: int,
    now_s: int,
    *,
    traceparent: str = "",
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
        body = _body(target.format, delivery)
        shown += f"\n{body.decode()}"
        headers += f"Content-Length: {len(body)}\r\n"
        headers += standard_headers(secrets, delivery.id, now_s, body)
    if target.format is BodyFormat.FORM:
        details = details_header(delivery)
        of_details = [str(now_s), delivery.id, details]
        headers += (
            f"{DETAILS}: {details}\r\n"
            f"{DETAILS_SIGNATURE}: t={now_s},{_signatures(secrets, of_details)}\r\n"
        )
    if traceparent:
        headers += f"traceparent: {traceparent}\r\n"
    signed = [str(now_s), delivery.id, str(delivery.sequence), str(attempt), method, path]
    head = (
        f"{method} {path} HTTP/1.1\r\n{headers}"
        f"{DELIVERY_ID}: {delivery.id}\r\n"
        f"{SEQUENCE}: {delivery.sequence}\r\n"
        f"{ATTEMPT}: {attempt}\r\n"
        f"{SIGNATURE}: t={now_s},{_signatures(secrets, signed, body)}\r\n"
        "\r\n"
    )
    return EventRequest(head.encode() + body, shown)


def _body(body_format: BodyFormat, delivery: Delivery) -> bytes:
    if body_format is BodyFormat.JSON:
        return json_body(delivery)
    return delivery.parameters.encode()


def _signatures(secrets: Sequence[str], lines: list[str], body: bytes | None = None) -> str:
    return ",".join(f"v1={signature(x, lines, body)}" for x in secrets)


def signature(secret: str, lines: list[str], body: bytes | None) -> str:
    """HMAC-SHA256 (RFC 2104) in hex, of the lines with a line end between them, and of the body
    after a further one; None: there is no body.

    docs/phone-call-events.md tells receivers how to check it.
    """
    text = "\n".join(lines).encode()
    if body is not None:
        text += b"\n" + body
    return keyed_hash(secret.encode(), text).hexdigest()
