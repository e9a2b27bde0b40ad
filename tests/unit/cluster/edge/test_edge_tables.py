"""The tables of the edge are made in one transaction, and a fault says whether waiting helps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg  # type: ignore[import-untyped]
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.cluster.edge.tables import TABLES, make_edge_tables
from bridge.faults import StorageUnavailable, StorageUnusable


class FakeEngine:
    """`fails`: the number of the statement that raises, and what; the lock is number 0."""

    url = make_url("postgresql+asyncpg://u:hidden@db/cluster")

    def __init__(self, fails: tuple[int, Exception] | None = None) -> None:
        self._fails = fails
        self.said: list[str] = []
        self.is_committed = False

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        yield self
        self.is_committed = True

    async def execute(self, statement: object, _params: object) -> None:
        self._note(str(statement))

    async def exec_driver_sql(self, statement: str) -> None:
        self._note(statement)

    def _note(self, statement: str) -> None:
        if self._fails is not None and len(self.said) == self._fails[0]:
            raise self._fails[1]
        self.said.append(statement)


def broken(error: Exception) -> DBAPIError:
    return DBAPIError("a statement", None, error)


async def test_the_lock_comes_first_and_all_is_one_transaction() -> None:
    engine = FakeEngine()
    await make_edge_tables(cast("AsyncEngine", engine))
    assert "pg_advisory_xact_lock" in engine.said[0]
    assert engine.said[1:] == list(TABLES)
    assert engine.is_committed


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (ConnectionRefusedError("refused"), StorageUnavailable, "refused"),
        (broken(asyncpg.AdminShutdownError("it stops")), StorageUnavailable, "it stops"),
        (broken(asyncpg.InsufficientPrivilegeError("no right")), StorageUnusable, "no right"),
    ],
)
@pytest.mark.parametrize("number", [0, 5])
async def test_a_fault_tells_where_and_whether_waiting_may_cure_it(
    error: Exception, kind: type[Exception], says: str, number: int
) -> None:
    engine = FakeEngine((number, error))
    with pytest.raises(kind, match=says) as raised:
        await make_edge_tables(cast("AsyncEngine", engine))
    assert "cannot make the tables of the edge in PostgreSQL db:5432/cluster" in str(raised.value)
    assert not engine.is_committed
