"""The signature of Standard Webhooks 1.0, for which receivers find libraries.

    webhook-id          the delivery id: the same at each attempt
    webhook-timestamp   seconds since the epoch
    webhook-signature   v1,<base64> of HMAC-SHA-256 over "id.timestamp.body"

Source: the specification of Standard Webhooks, "Verifying webhook authenticity". It covers the body
only, so an event by GET has none of this.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import lru_cache

from bridge.phone_call_events.keyed_hash import keyed_hash
from bridge.phone_call_events.subscription import SECRET_PREFIX

_KEYS_KEPT = 1_000


def standard_headers(secrets: Sequence[str], message_id: str, now_s: int, body: bytes) -> str:
    """The three header lines. With several secrets there is one signature of each."""
    text = b"%s.%d.%s" % (message_id.encode(), now_s, body)
    signatures = [
        "v1," + base64.b64encode(keyed_hash(_key(x), text).digest()).decode() for x in secrets
    ]
    return (
        f"webhook-id: {message_id}\r\n"
        f"webhook-timestamp: {now_s}\r\n"
        f"webhook-signature: {' '.join(signatures)}\r\n"
    )


@lru_cache(_KEYS_KEPT)
def _key(secret: str) -> bytes:
    """The bytes that the base64 in the secret means; of an older secret, the bytes of its text."""
    if secret.startswith(SECRET_PREFIX):
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return secret.encode()
