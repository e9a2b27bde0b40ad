"""A PhoneCallEvent of the UnifiedAPI: a subscription to the calls of one extension, and its
receiver.

docs/reference/uapi.md §3 has its fields.
"""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from enum import IntEnum

_ID_ALPHABET = string.ascii_letters + string.digits
_ID_CHARS = 30  # as in docs/reference/specification.md §2
_SECRET_BYTES = 32


class EventType(IntEnum):
    """The numbers of the event types in the UnifiedAPI."""

    DIAL_IN = 0
    DIAL_OUT = 1
    HANG_UP = 2
    ANSWER_INCOMING = 3
    ANSWER_OUTGOING = 4
    DIGIT = 100  # ours; far from the numbers that the vendor may give next


class Method(IntEnum):
    """The numbers of the HTTP methods in the UnifiedAPI."""

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

    @property
    def organization(self) -> str:
        """The one of the extension: what is before its `*`."""
        return self.extension.partition("*")[0]


def new_subscription_id() -> str:
    """A random id in the form of docs/reference/specification.md §2."""
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_CHARS))


def new_secret() -> str:
    """A random secret, with which requests to the receiver are signed."""
    return secrets.token_urlsafe(_SECRET_BYTES)
