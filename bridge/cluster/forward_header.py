"""The header of a request that one instance sends to another: who sent it, and that it is genuine.

The header holds the statement of the sender and an HMAC of it. The HMAC also covers the method, the
path with its query, and the hash of the body. Only an instance that has the cluster secret can
make one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import orjson

HEADER = "X-Bridge-Forward"
"""Of a forwarded request. In the answer it proves that the answering instance has the secret."""

HEADER_MAX_CHARS = 4096

LIVES_MAX_MS = 10_000
"""No instance gives a request more time. A later deadline is of a clock that was set back since."""

_VERSION = "1"
_PURPOSE = b"uapi-bridge forwarded request 1"
_NONCE_BYTES = 12
COVERED = (
    "content-type",
    "host",
    "idempotency-key",
    "last-event-id",
    "prefer",
    "range",
    "x-console-proof",
)
"""Of the request headers, those that change what a handler does. Each is sent once at most."""


class ForwardRefused(Exception):
    """The header is not one that another instance has made for this request. `str()`: why."""


@dataclass(frozen=True, slots=True)
class Forward:
    """The statement of the first instance about a request.

    `sender` and `receiver`: names of instances. `pbx`: the PBX that the request is for; empty: none
    in particular. `principal`: the client id that was authenticated; empty: the receiver
    authenticates the request itself. `remote`: the address of the client, `scheme` how it came.
    `call_id`: the id that a new call shall have. `wanted`: what the receiver shall answer with;
    empty: with the answer to the request. `deadline_ms`: nobody carries the request out later, by
    the clock that all instances share.
    """

    sender: str
    receiver: str
    pbx: str
    deadline_ms: int
    principal: str = ""
    remote: str = ""
    scheme: str = "http"
    request_id: str = ""
    call_id: str = ""
    wanted: str = ""


@dataclass(frozen=True, slots=True)
class RequestShape:
    """The parts that the HMAC covers, beside the statement.

    `target`: the path with the query, as sent.
    """

    method: str
    target: str
    headers: Mapping[str, str]

    def text(self) -> bytes:
        """The parts, each in a line of its own."""
        covered = [f"{x}={self.headers.get(x, '')}" for x in COVERED]
        return "\n".join((self.method, self.target, *covered)).encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class ReceivedForward:
    """A genuine header. `proof` goes back with the answer; `nonce` is in no other header."""

    forward: Forward
    body_hash: str
    nonce: str
    proof: str

    def require_body(self, body: bytes) -> None:
        """Raises ForwardRefused if the first instance sent another body."""
        if not hmac.compare_digest(body_hash(body), self.body_hash):
            raise ForwardRefused("another body was signed")


class ForwardSigner:
    """Signs and checks headers with a key that is derived from the cluster secret."""

    def __init__(self, cluster_secret: str, own_name: str) -> None:
        self._key = hmac.digest(cluster_secret.encode(), _PURPOSE, "sha256")
        self._own_name = own_name

    def sign(self, forward: Forward, shape: RequestShape, body: bytes) -> tuple[str, str]:
        """The header for this request, and the proof that a genuine answer to it has."""
        stated = {
            **asdict(forward),
            "body": body_hash(body),
            "nonce": secrets.token_urlsafe(_NONCE_BYTES),
        }
        statement = base64.urlsafe_b64encode(orjson.dumps(stated)).decode()
        signature = self._signature(statement, shape)
        return f"{_VERSION}.{statement}.{signature}", self._proof(signature)

    def check(self, header: str, shape: RequestShape, now_ms: int) -> ReceivedForward:
        """Raises ForwardRefused for whatever this cluster has not signed for us, or is too late.

        `now_ms`: by the clock that all instances share.
        """
        version, _, rest = header.partition(".")
        statement, _, signature = rest.partition(".")
        if len(header) > HEADER_MAX_CHARS or version != _VERSION or not header.isascii():
            raise ForwardRefused("no header of this version")
        if not hmac.compare_digest(self._signature(statement, shape), signature):
            raise ForwardRefused("the signature is wrong: do the cluster secrets differ?")
        received = self._read(statement, signature)
        if received.forward.receiver != self._own_name:
            raise ForwardRefused("it is for another instance")
        if received.forward.deadline_ms < now_ms:
            raise ForwardRefused("its time is over")
        if received.forward.deadline_ms > now_ms + LIVES_MAX_MS:
            raise ForwardRefused("its deadline is of another clock")
        return received

    def _signature(self, statement: str, shape: RequestShape) -> str:
        text = b"\n".join((statement.encode("utf-8", "surrogateescape"), shape.text()))
        return hmac.digest(self._key, text, "sha256").hex()

    def _proof(self, signature: str) -> str:
        return hmac.digest(self._key, b"answer\n" + signature.encode(), "sha256").hex()

    def _read(self, statement: str, signature: str) -> ReceivedForward:
        """Of a statement whose signature is right; another version may have made it."""
        try:
            stated = orjson.loads(base64.urlsafe_b64decode(statement))
            body, nonce = str(stated.pop("body")), str(stated.pop("nonce"))
            return ReceivedForward(Forward(**stated), body, nonce, self._proof(signature))
        except (binascii.Error, orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            raise ForwardRefused("another version has made it") from None


def body_hash(body: bytes) -> str:
    """SHA-256, in hex."""
    return hashlib.sha256(body).hexdigest()
