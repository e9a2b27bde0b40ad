"""Rows that tell the other instances what this one has changed, written with the change.

One instance alone writes none of them.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy import ColumnElement, Insert, cast, extract, func, insert
from sqlalchemy.types import BigInteger

from bridge.storage.cluster_tables import shared_changes
from bridge.storage.purge import purge_in_chunks
from bridge.storage.row_writer import RowWriter
from bridge.storage.statement import Statement, Write

ENDED_TOKEN = "ended-token"  # noqa: S105 - the name of a kind; the key is the hash of a token
SUBSCRIPTION = "subscription"
APP_SECRET = "app-secret"  # noqa: S105 - the name of a kind; the key is the id of an app
SECRETS = "secrets"
DIRECTORY = "directory"
PLACEMENTS = "placements"

CHANNEL = "shared_changes"
"""Of the hints that there are new rows."""

KEPT_MS = 600_000
"""A row is kept at least so long. A reader that looks later reads everything again."""

_ID_BYTES = 12

# The clock of the database: those of the instances may differ. Only PostgreSQL understands it.
_NOTE = Statement(
    "INSERT INTO shared_changes (id, kind, key, changed_ms)"
    " VALUES (:id, :kind, :key, CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT))"
    " ON CONFLICT (id) DO NOTHING"  # a group that nobody waits for may be applied twice
)
# `before_ms` is an age here: the clocks of instances may differ.
_PURGE = Statement(
    "DELETE FROM shared_changes WHERE id IN (SELECT id FROM shared_changes WHERE changed_ms <"
    " CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) - CAST(:before_ms AS BIGINT)"
    " ORDER BY changed_ms LIMIT :chunk)",
    many_rows=True,
)


class Notes:
    """Of one instance alone, where nobody has to be told."""

    several = False
    """Whether there are other instances."""

    def rows(self, kind: str, keys: Sequence[str]) -> Sequence[Write]:
        """The rows to be written in the transaction that changes these keys of that kind."""
        return ()

    def written(self) -> None:
        """The rows are on disk: have the others look at once, without waiting for it."""

    async def heard(self) -> None:
        """The rows are on disk: return once the others have read them, or after a while."""


class SharedNotes(Notes):
    """Of an instance of several. `hint` gives the others a hint.

    `ask` returns once the others have read all rows, or after a while. It may be set later.
    """

    several = True

    def __init__(self, hint: Callable[[], None]) -> None:
        self._hint = hint
        self.ask: Callable[[], Awaitable[None]] | None = None

    def rows(self, kind: str, keys: Sequence[str]) -> Sequence[Write]:
        return [_NOTE.write(counted=False, id=_new_id(), kind=kind, key=key) for key in keys]

    def written(self) -> None:
        self._hint()

    async def heard(self) -> None:
        self._hint()
        if self.ask is not None:
            await self.ask()


NO_NOTES = Notes()


async def purge_notes(queue: RowWriter) -> int:
    """Remove the rows that every instance has read, or will not read; returns how many.

    Raises StorageUnavailable.
    """
    return await purge_in_chunks(queue, _PURGE, before_ms=KEPT_MS)


def insert_change(kind: str, key: str = "") -> Insert:
    """As `notes`, for a connection that is not the one of the write queue."""
    return insert(shared_changes).values(
        id=_new_id(), kind=kind, key=key, changed_ms=database_clock_ms()
    )


def database_clock_ms() -> ColumnElement[int]:
    """The clock of PostgreSQL at this moment, in milliseconds since 1970."""
    return cast(extract("epoch", func.clock_timestamp()) * 1000, BigInteger)


def _new_id() -> str:
    return secrets.token_hex(_ID_BYTES)
