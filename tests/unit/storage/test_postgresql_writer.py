"""A connection that ends while asyncpg is between two steps of a statement, and a fault of ours."""

from __future__ import annotations

import pytest

from bridge.faults import StorageUnavailable
from bridge.storage import postgresql_writer
from bridge.storage.engine import open_engine
from bridge.storage.postgresql_writer import PostgresqlWriter
from tests.lab.instant_time import instant
from tests.unit.cluster.fake_postgresql import FakeDriver, FakePostgresql


@instant
async def test_a_write_between_two_steps_fails_as_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakePostgresql()
    monkeypatch.setattr(postgresql_writer, "create_async_engine", fake.create_async_engine)
    writer = PostgresqlWriter(open_engine("postgresql+asyncpg://u@db/x"))
    await writer.commit([])
    driver: FakeDriver = fake.connects[0]
    driver.hangs = driver.between_steps = True

    with pytest.raises(StorageUnavailable, match="no answer within") as raised:
        await writer.commit([])
    assert raised.value.timed_out
    assert not raised.value.outcome_unknown


@instant
async def test_a_fault_of_ours_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(_sql: str, _params: object) -> list[dict[str, object]]:
        raise AttributeError("a fault of ours")

    fake = FakePostgresql(fault)
    monkeypatch.setattr(postgresql_writer, "create_async_engine", fake.create_async_engine)
    writer = PostgresqlWriter(open_engine("postgresql+asyncpg://u@db/x"))
    with pytest.raises(AttributeError, match="of ours"):
        await writer.commit([])
