"""A PhoneCallEvent of the UnifiedAPI: who wants to hear of which calls, and where (uapi.md §3)."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from enum import IntEnum

_ID_ALPHABET = string.ascii_letters + string.digits
_ID_CHARS = 30  # as in the examples of the specification
_SECRET_BYTES = 32


class EventType(IntEnum):
    DIAL_IN = 0
    DIAL_OUT = 1
    HANG_UP = 2
    ANSWER_INCOMING = 3
    ANSWER_OUTGOING = 4


class Method(IntEnum):
    GET = 0
    POST = 1


@dataclass(frozen=True, slots=True)
class Subscription:
    """`extension` is the extended number. `secret` is the key of the signatures, as text.

    `client_id`: the app that made it.
    """

    id: str
    extension: str
    type: EventType
    url: str
    method: Method
    enabled: bool
    note: str
    secret: str = field(repr=False)
    client_id: str
    modified_ms: int


def new_subscription_id() -> str:
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_CHARS))


def new_secret() -> str:
    return secrets.token_urlsafe(_SECRET_BYTES)
