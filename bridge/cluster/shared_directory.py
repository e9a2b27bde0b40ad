"""The directory file that all instances use, in the database: `uapi-bridge directory push`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.cluster.short_transaction import ShortTransactions
from bridge.storage.cluster_tables import shared_directories
from bridge.storage.shared_changes import DIRECTORY, database_clock_ms, insert_change

VERSIONS_KEPT = 20

_ONE_AT_A_TIME = text("LOCK TABLE shared_directories IN SHARE ROW EXCLUSIVE MODE")


@dataclass(frozen=True, slots=True)
class PushedDirectory:
    """A directory file as somebody has pushed it. Of two, the greater version is the newer one."""

    version: int
    content: str


class SharedDirectory:
    """Each method waits for the database, and raises StorageUnavailable."""

    def __init__(self, database_url: str) -> None:
        self._transactions = ShortTransactions(database_url)

    @property
    def where(self) -> str:
        """The database, for messages."""
        return self._transactions.where

    def newest(self) -> PushedDirectory | None:
        """The one that all instances shall use; None before the first push: each has its file."""
        return self._transactions.run(_newest)

    def push(self, content: str) -> int:
        """Have all instances use it; returns its version. The newest content keeps its version."""

        async def work(there: AsyncConnection) -> int:
            await there.execute(_ONE_AT_A_TIME)
            before = await _newest(there)
            if before is not None and before.content == content:
                return before.version
            version = 1 if before is None else before.version + 1
            row = insert(shared_directories).values(
                version=version,
                hash=content_hash(content),
                content=content,
                pushed_ms=database_clock_ms(),
            )
            await there.execute(row)
            old = shared_directories.c.version <= version - VERSIONS_KEPT
            await there.execute(delete(shared_directories).where(old))
            await there.execute(insert_change(DIRECTORY, str(version)))
            return version

        return self._transactions.run(work)


def content_hash(content: str) -> str:
    """SHA-256 of a directory file, in hex."""
    return hashlib.sha256(content.encode()).hexdigest()


async def _newest(there: AsyncConnection) -> PushedDirectory | None:
    newest = select(func.max(shared_directories.c.version)).scalar_subquery()
    query = select(shared_directories).where(shared_directories.c.version == newest)
    row = (await there.execute(query)).first()
    return None if row is None else PushedDirectory(row.version, row.content)
