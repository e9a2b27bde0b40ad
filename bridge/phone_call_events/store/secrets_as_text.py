"""Old secrets in a column: JSON, each with the end of its time."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from bridge.phone_call_events.subscription import OldSecret


def written_secrets(old: Sequence[OldSecret]) -> str:
    """As the column has them."""
    return orjson.dumps([[x.secret, x.until_ms] for x in old]).decode()


def read_secrets(text: str) -> tuple[OldSecret, ...]:
    """From the column."""
    return tuple(OldSecret(secret, until_ms) for secret, until_ms in orjson.loads(text))
