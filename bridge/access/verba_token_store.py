"""Tokens of the Verba API on disk, by their hash only."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.storage.conversation_tables import verba_tokens
from bridge.storage.engine import reading
from bridge.storage.purge import purge_in_chunks
from bridge.storage.row_writer import RowWriter
from bridge.storage.statement import Statement

_SAVE = Statement(
    "INSERT INTO verba_tokens (token_hash, key_name, user_name, fingerprint, expires_ms)"
    " VALUES (:token_hash, :key_name, :user_name, :fingerprint, :expires_ms)"
)
# LIMIT only because SQLite knows no OFFSET without one.
_DROP_EXCESS = Statement(
    "DELETE FROM verba_tokens WHERE token_hash IN (SELECT token_hash FROM verba_tokens"
    " WHERE key_name = :key_name AND user_name = :user_name"
    " ORDER BY expires_ms DESC, token_hash LIMIT 1000000 OFFSET :most)",
    many_rows=True,
)
_PURGE = Statement(
    "DELETE FROM verba_tokens WHERE token_hash IN (SELECT token_hash FROM verba_tokens"
    " WHERE expires_ms < :before_ms ORDER BY expires_ms LIMIT :chunk)",
    many_rows=True,
)


@dataclass(frozen=True, slots=True)
class VerbaToken:
    """`fingerprint` ties the token to the password it was given for."""

    token_hash: str
    key_name: str
    user_name: str
    fingerprint: str
    expires_ms: int


class VerbaTokenStore:
    """Every method raises StorageUnavailable."""

    def __init__(self, engine: AsyncEngine, queue: RowWriter) -> None:
        self._engine = engine
        self._queue = queue

    async def save(self, token: VerbaToken, most: int) -> None:
        """On disk when this returns; of more than `most` of that user and key the oldest go."""
        await self._queue.submit(
            _SAVE.write(counted=False, **asdict(token)),
            _DROP_EXCESS.write(
                counted=False, key_name=token.key_name, user_name=token.user_name, most=most
            ),
        )

    async def find(self, token_hash: str) -> VerbaToken | None:
        """The token with that hash, also an expired one; None if there is none.

        Raises StorageUnavailable.
        """
        query = select(verba_tokens).where(verba_tokens.c.token_hash == token_hash)
        async with reading(self._engine) as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else VerbaToken(**row._mapping)

    async def purge_expired(self, before_ms: int) -> int:
        """Remove the tokens that expired before that moment; returns how many.

        Raises StorageUnavailable.
        """
        return await purge_in_chunks(self._queue, _PURGE, before_ms)
