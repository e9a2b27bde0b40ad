"""Codes that count once, for a short time, at whichever of several instances they are used."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.access.one_time_codes import CODE_BYTES, PER_OWNER, OneTimeCodes
from bridge.access.token_fingerprints import token_hash
from bridge.storage.cluster_tables import shared_codes
from bridge.storage.engine import reading
from bridge.storage.row_writer import RowWriter
from bridge.storage.shared_changes import database_clock_ms
from bridge.storage.statement import Statement

_NAME = "code"
_MAX_CHARS = 128  # ours have 43; longer ones are not even hashed

# By the clock of the database: those of the instances may differ.
_NEW = Statement(
    "INSERT INTO shared_codes (code_hash, owner, sealed, expires_ms)"
    " VALUES (:code_hash, :owner, :sealed, CAST(:lifetime_ms AS BIGINT)"
    " + CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT))"
)
_DROP_EXCESS = Statement(
    "DELETE FROM shared_codes WHERE code_hash IN (SELECT code_hash FROM shared_codes"
    " WHERE owner = :owner ORDER BY expires_ms DESC, code_hash OFFSET :most)",
    many_rows=True,
)
_DROP_EXPIRED = Statement(
    "DELETE FROM shared_codes"
    " WHERE expires_ms < CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
    many_rows=True,
)
_USE = Statement("DELETE FROM shared_codes WHERE code_hash = :code_hash")

Value = tuple[str, str]


class Codes(Protocol):
    """Codes for two texts. Every method may raise StorageUnavailable."""

    async def new(self, owner: str, value: Value) -> str:
        """A code for that value, of `owner`: as `OneTimeCodes.new`."""

    async def use(self, code: str) -> Value | None:
        """The value of the code, which does not count again; None for any other text."""


class Sealing(Protocol):
    """Seals a text under a name."""

    def close(self, name: str, secret: str) -> str: ...

    def open(self, name: str, sealed: str) -> str: ...


class LocalCodes:
    """Codes of one instance alone, in its memory."""

    def __init__(self, lifetime_s: float) -> None:
        self._codes = OneTimeCodes[Value](lifetime_s)

    async def new(self, owner: str, value: Value) -> str:
        return self._codes.new(owner, value)

    async def use(self, code: str) -> Value | None:
        return self._codes.use(code)


class SharedCodes:
    """Codes in the database, as digests. `sealing` makes a seal of a code.

    The value is sealed with the code itself, so that a reader of the database learns none.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        queue: RowWriter,
        lifetime_s: float,
        sealing: Callable[[str], Sealing],
    ) -> None:
        self._engine = engine
        self._queue = queue
        self._lifetime_ms = int(lifetime_s * 1000)
        self._sealing = sealing

    async def new(self, owner: str, value: Value) -> str:
        code = secrets.token_urlsafe(CODE_BYTES)
        await self._queue.submit(
            _DROP_EXPIRED.write(counted=False),
            _NEW.write(
                counted=False,
                code_hash=token_hash(code),
                owner=owner,
                sealed=self._sealing(code).close(_NAME, json.dumps(value)),
                lifetime_ms=self._lifetime_ms,
            ),
            _DROP_EXCESS.write(counted=False, owner=owner, most=PER_OWNER),
        )
        return code

    async def use(self, code: str) -> Value | None:
        if not code.isascii() or len(code) > _MAX_CHARS:
            return None
        hashed = token_hash(code)
        query = select(shared_codes.c.sealed).where(
            shared_codes.c.code_hash == hashed, shared_codes.c.expires_ms > database_clock_ms()
        )
        async with reading(self._engine) as connection:
            sealed = (await connection.execute(query)).scalar()
        if sealed is None:
            return None
        [count] = await self._queue.submit(_USE.write(code_hash=hashed))
        if not count:  # it was used somewhere else in between
            return None
        first, second = json.loads(self._sealing(code).open(_NAME, sealed))
        return first, second
