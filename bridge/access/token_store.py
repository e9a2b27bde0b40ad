"""Access tokens on disk, by their hash: they survive a restart, the token itself is never kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.access.stored_token import StoredToken
from bridge.storage.engine import reading
from bridge.storage.purge import purge_in_chunks
from bridge.storage.row_writer import RowWriter
from bridge.storage.shared_changes import ENDED_TOKEN, NO_NOTES, Notes
from bridge.storage.statement import Statement
from bridge.storage.tables import tokens

_SAVE = Statement(
    "INSERT INTO tokens (token_hash, client_id, secret_fingerprint, issued_ms, expires_ms)"
    " VALUES (:token_hash, :client_id, :secret_fingerprint, :issued_ms, :expires_ms)"
)
_DELETE = Statement("DELETE FROM tokens WHERE token_hash = :token_hash")
_PURGE = Statement(
    "DELETE FROM tokens WHERE token_hash IN (SELECT token_hash FROM tokens"
    " WHERE expires_ms < :before_ms ORDER BY expires_ms LIMIT :chunk)",
    many_rows=True,
)


class TokenStore:
    """Implements TokenRecords of `bridge.access` with SQL. Every method raises
    StorageUnavailable."""

    def __init__(self, engine: AsyncEngine, queue: RowWriter, notes: Notes = NO_NOTES) -> None:
        self._engine = engine
        self._queue = queue
        self._notes = notes

    async def save(self, token: StoredToken) -> None:
        """A new token, on disk when this returns."""
        await self._queue.submit(_SAVE.write(counted=False, **asdict(token)))

    async def load(self, now_ms: int) -> list[StoredToken]:
        """Every token that expires after `now_ms`."""
        async with reading(self._engine) as connection:
            rows = await connection.execute(select(tokens).where(tokens.c.expires_ms > now_ms))
            return [StoredToken(**row._mapping) for row in rows]

    async def find(self, token_hashes: Collection[str]) -> list[StoredToken]:
        """The tokens of these hashes, also expired ones."""
        async with reading(self._engine) as connection:
            rows = await connection.execute(
                select(tokens).where(tokens.c.token_hash.in_(token_hashes))
            )
            return [StoredToken(**row._mapping) for row in rows]

    async def delete(self, token_hashes: Collection[str]) -> None:
        """Revoke these tokens, in one transaction; hashes that are not there are ignored.

        The other instances hear of it.
        """
        if token_hashes:
            await self._queue.submit(
                *[_DELETE.write(counted=False, token_hash=one) for one in token_hashes],
                *self._notes.rows(ENDED_TOKEN, list(token_hashes)),
            )
            self._notes.written()

    async def purge_expired(self, now_ms: int) -> int:
        """Remove the tokens that expire at or before `now_ms`; returns how many."""
        return await purge_in_chunks(self._queue, _PURGE, before_ms=now_ms + 1)
