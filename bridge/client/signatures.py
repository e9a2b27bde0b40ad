"""The signature of a PhoneCallEvent, as a receiver checks it (docs/phone-call-events.md)."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping

SKEW_S = 300
"""The clocks of both sides may differ by this; an older event may be a replay."""


class SignatureInvalid(Exception):
    """The event is not from the service, was changed, or is old. `str()` says which."""


def verify_signature(
    secret: str,
    headers: Mapping[str, str],
    method: str,
    target: str,
    body: bytes = b"",
    *,
    skew_s: float = SKEW_S,
    now_s: float | None = None,
) -> None:
    """Raise SignatureInvalid unless the request is an event that the service signed.

    `secret`: the X-Event-Secret of the subscription. `headers` of the request, whose names may be
    in any case. `target`: path and query as in the request line. `body`: the bytes as they came.
    `skew_s`: how old the event may be, in seconds. `now_s`: the time, in seconds since 1970.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        stamp, signature = given["x-event-signature"].split(",")
        lines = [
            stamp.removeprefix("t="),
            given["x-event-delivery-id"],
            given["x-event-sequence"],
            given["x-event-attempt"],
        ]
        signed_s = int(lines[0])
    except (KeyError, ValueError):
        raise SignatureInvalid("a header of the signature is missing or has another form") from None
    text = "\n".join([*lines, method.upper(), target, ""]).encode() + body
    expected = "v1=" + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise SignatureInvalid("the signature is another one")
    if abs((time.time() if now_s is None else now_s) - signed_s) > skew_s:
        raise SignatureInvalid("the event is old, or a clock is wrong")
