"""Rows that tell the other instances what this one has changed, written with the change.

One instance alone writes none of them.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, Insert, cast, extract, func, insert
from sqlalchemy.types import BigInteger

from bridge.storage.cluster_tables import shared_changes
from bridge.storage.statement import Statement, Write

ENDED_TOKEN = "ended-token"  # noqa: S105 - the name of a kind; the key is the hash of a token
SUBSCRIPTION = "subscription"
APP_SECRET = "app-secret"  # noqa: S105 - the name of a kind; the key is the id of an app
SECRETS = "secrets"
DIRECTORY = "directory"

CHANNEL = "shared_changes"
"""Of the hints that there are new rows."""

KEPT_MS = 600_000
"""A row is kept at least so long. A reader that looks later reads everything again."""

_ID_BYTES = 12

# The clock of the database: those of the instances may differ. Only PostgreSQL understands it.
_NOTE = Statement(
    "INSERT INTO shared_changes (id, kind, key, changed_ms)"
    " VALUES (:id, :kind, :key, CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT))"
)

Notes = Callable[[str, Sequence[str]], Sequence[Write]]
"""The rows to be written with a change of these keys of that kind."""


def no_notes(_kind: str, _keys: Sequence[str]) -> Sequence[Write]:
    """Of one instance alone."""
    return ()


def notes(kind: str, keys: Sequence[str]) -> Sequence[Write]:
    """Of an instance of several."""
    return [_NOTE.write(counted=False, id=_new_id(), kind=kind, key=key) for key in keys]


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
