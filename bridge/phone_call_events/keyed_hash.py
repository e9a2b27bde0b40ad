"""HMAC-SHA-256 (RFC 2104) with keys that are used again and again.

The state after the key is kept and copied. To begin with the key each time takes twice as long for
the length of an event.
"""

from __future__ import annotations

import hmac
from functools import lru_cache

_KEYS_KEPT = 1_000


def keyed_hash(key: bytes, text: bytes) -> hmac.HMAC:
    """The hash of that text; `digest` and `hexdigest` of the result give it."""
    found = _begun(key).copy()
    found.update(text)
    return found


@lru_cache(_KEYS_KEPT)
def _begun(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod="sha256")
