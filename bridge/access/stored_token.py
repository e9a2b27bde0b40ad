"""The stored part of a token, and the protocol between the token service and its database."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredToken:
    """`token_hash`: SHA-256 of the token, 64 hex characters, the key.

    `secret_fingerprint` (64 hex characters) ties the token to the app secret it was issued for.
    Times are wall clock, ms.
    """

    token_hash: str
    client_id: str
    secret_fingerprint: str
    issued_ms: int
    expires_ms: int


class TokenRecords(Protocol):
    """The storage of tokens. Every method raises StorageUnavailable."""

    async def save(self, token: StoredToken) -> None:
        """Store the token. It is on disk when this returns."""

    async def load(self, now_ms: int) -> Iterable[StoredToken]:
        """Every token that expires after `now_ms`."""

    async def find(self, token_hashes: Collection[str]) -> Iterable[StoredToken]:
        """The tokens of these hashes, also expired ones. For instances of several."""

    async def delete(self, token_hashes: Collection[str]) -> None:
        """Hashes that are not there are ignored. There may be thousands."""

    async def purge_expired(self, now_ms: int) -> int:
        """Forget the tokens that expire at or before `now_ms`; how many there were."""
