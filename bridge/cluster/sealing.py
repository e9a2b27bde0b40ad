"""Seals the secrets in the database: a reader of the database alone learns none of them.

AES-256-GCM, with a key that HKDF-SHA256 makes of the cluster secret. The name of a secret belongs
to the sealed text: a row that somebody has moved to another name cannot be opened.
"""

from __future__ import annotations

import base64
import binascii
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_FORM = "1."
_KEY_BYTES = 32
_NONCE_BYTES = 12
_PURPOSE = b"uapi-bridge shared secrets"


class CannotOpen(Exception):
    """The text was sealed with another cluster secret, or for another name, or was changed."""


class Seal:
    """`cluster_secret`: the same at all instances."""

    def __init__(self, cluster_secret: str) -> None:
        key = HKDF(SHA256(), _KEY_BYTES, salt=None, info=_PURPOSE).derive(cluster_secret.encode())
        self._cipher = AESGCM(key)

    def close(self, name: str, secret: str) -> str:
        """The sealed secret, as ASCII. Never the same text twice."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, secret.encode(), name.encode())
        return _FORM + base64.b64encode(nonce + sealed).decode()

    def open(self, name: str, sealed: str) -> str:
        """The secret. Raises CannotOpen."""
        if not sealed.startswith(_FORM):
            raise CannotOpen
        try:
            raw = base64.b64decode(sealed.removeprefix(_FORM), validate=True)
            secret = self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], name.encode())
        except (InvalidTag, binascii.Error, ValueError):
            raise CannotOpen from None
        return secret.decode()
