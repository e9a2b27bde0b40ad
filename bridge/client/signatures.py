"""The signature of a PhoneCallEvent, as a receiver checks it (docs/phone-call-events.md)."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

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
    given = _lower(headers)
    _check(
        secret,
        given,
        "x-event-signature",
        ("x-event-delivery-id", "x-event-sequence", "x-event-attempt"),
        "\n".join(("", method.upper(), target, "")).encode() + body,
        skew_s,
        now_s,
    )


def event_details(
    secret: str,
    headers: Mapping[str, str],
    *,
    skew_s: float = SKEW_S,
    now_s: float | None = None,
) -> dict[str, str]:
    """The fields of X-Event-Details, as text, of an event in the form.

    Takes and raises as verify_signature. An event in JSON has the fields in its body.
    """
    given = _lower(headers)
    signed = ("x-event-delivery-id", "x-event-details")
    _check(secret, given, "x-event-details-signature", signed, b"", skew_s, now_s)
    return dict(parse_qsl(given["x-event-details"], keep_blank_values=True))


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _check(
    secret: str,
    given: Mapping[str, str],
    name: str,
    signed: Sequence[str],
    rest: bytes,
    skew_s: float,
    now_s: float | None,
) -> None:
    """`name`: of the header with the signatures; `signed`: the headers that it covers, `rest` what
    follows them."""
    try:
        stamp, *signatures = given[name].split(",")
        lines = [stamp.removeprefix("t="), *(given[x] for x in signed)]
        signed_s = int(lines[0])
    except (KeyError, ValueError):
        raise SignatureInvalid("a header of the signature is missing or has another form") from None
    text = "\n".join(lines).encode() + rest
    expected = "v1=" + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    # While a secret is replaced there is one of each.
    found = [hmac.compare_digest(expected.encode(), x.encode()) for x in signatures]
    if not any(found):
        raise SignatureInvalid("the signature is another one")
    if abs((time.time() if now_s is None else now_s) - signed_s) > skew_s:
        raise SignatureInvalid("the event is old, or a clock is wrong")
