"""A PhoneCallEvent of the UnifiedAPI: a subscription to the calls of one extension, and its
receiver.

docs/reference/uapi.md §3 has its fields.
"""

from __future__ import annotations

import base64
import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, IntEnum

_ID_ALPHABET = string.ascii_letters + string.digits
_ID_CHARS = 30  # as in docs/reference/specification.md §2
_SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"  # noqa: S105 - of Standard Webhooks 1.0


@dataclass(frozen=True, slots=True)
class OldSecret:
    """A secret that was replaced. It signs as well until that moment, in ms since the epoch."""

    secret: str = field(repr=False)
    until_ms: int


@dataclass(frozen=True, slots=True)
class AppSecret:
    """The secret that signs the states of single calls of an app, and those before it."""

    client_id: str
    secret: str = field(repr=False)
    old_secrets: tuple[OldSecret, ...] = ()
    modified_ms: int = 0


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


class BodyFormat(Enum):
    """How a POST carries an event. The form is that of the UnifiedAPI, JSON is ours."""

    FORM = "form"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Subscription:
    """`extension` is the extended number, `types` are in the order of their numbers. `secret` is
    the key of the signatures, as text. `old_secrets`: the newest first.

    `client_id`: the app that made it. `call_id`: it hears the states of that call only, and has no
    types.
    """

    id: str
    extension: str
    types: tuple[EventType, ...]
    url: str
    method: Method
    enabled: bool
    note: str
    secret: str = field(repr=False)
    client_id: str
    modified_ms: int
    format: BodyFormat = BodyFormat.FORM
    old_secrets: tuple[OldSecret, ...] = ()
    call_id: str | None = None

    def signing_secrets(self, at_ms: int) -> list[str]:
        """All secrets that sign an event at that moment, the newest first."""
        return [self.secret, *(x.secret for x in self.old_secrets if x.until_ms > at_ms)]

    @property
    def organization(self) -> str:
        """The one of the extension: what is before its `*`."""
        return self.extension.partition("*")[0]


def new_subscription_id() -> str:
    """A random id in the form of docs/reference/specification.md §2."""
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_CHARS))


def new_secret() -> str:
    """A random secret, with which requests to the receiver are signed.

    It has the form of Standard Webhooks 1.0, so that a receiver can give it to a library.
    """
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def types_text(types: Iterable[EventType]) -> str:
    """The numbers with commas between them, as the API and the database have them."""
    return ",".join(str(int(x)) for x in types)


def receiver_of_call(
    receiver_id: str, *, extension: str, url: str, client_id: str, modified_ms: int, call_id: str
) -> Subscription:
    """The receiver of a `statusUrl`: it hears each state of one call, as JSON by POST.

    It has no secret yet: that of its app is put in where it is kept. `modified_ms`: ms since 1970.
    """
    return Subscription(
        id=receiver_id,
        extension=extension,
        types=(),
        url=url,
        method=Method.POST,
        enabled=True,
        note="",
        secret="",
        client_id=client_id,
        modified_ms=modified_ms,
        format=BodyFormat.JSON,
        call_id=call_id,
    )
