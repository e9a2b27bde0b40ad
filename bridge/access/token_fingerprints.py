"""Tokens and secrets as digests, so that neither the database nor a log holds one that works."""

from __future__ import annotations

import hashlib
import hmac


def token_hash(token: str) -> str:
    """Tokens are 256 random bits, so that a plain hash cannot be turned back by guessing."""
    return hashlib.sha256(token.encode()).hexdigest()


def secret_fingerprint(client_secret: str, hashed_token: str) -> str:
    """Different for every token, so that the database does not tell who shares a secret."""
    return hmac.digest(client_secret.encode(), hashed_token.encode(), "sha256").hex()


def same(one: str, other: str) -> bool:
    """In constant time whatever the lengths: digests are compared, not the values."""
    return hmac.compare_digest(
        hashlib.sha256(one.encode("utf-8", "surrogatepass")).digest(),
        hashlib.sha256(other.encode("utf-8", "surrogatepass")).digest(),
    )
