"""The connection of the leases: made anew after each loss, and never waited for too long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import asyncpg  # type: ignore[import-untyped]
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from bridge.cluster import lease_connection
from bridge.cluster.lease_connection import LeaseConnection
from bridge.faults import StorageUnavailable
from tests.lab.instant_time import instant

from .fake_postgresql import FakePostgresql, Rows

ANSWER_S = 1.0


@pytest.fixture
def postgresql(monkeypatch: pytest.MonkeyPatch) -> FakePostgresql:
    fake = FakePostgresql(lambda sql, params: [{"sql": sql, "params": params}])
    monkeypatch.setattr(lease_connection, "create_async_engine", fake.create_async_engine)
    return fake


def connection(clock: Callable[[], float] = lambda: 0.0) -> LeaseConnection:
    engine = create_async_engine("postgresql+asyncpg://u:hidden@db/cluster")
    return LeaseConnection(engine, "the name", ANSWER_S, clock)


@instant
async def test_one_connection_is_kept_for_all_statements(postgresql: FakePostgresql) -> None:
    now_s = 5.0
    leases = connection(lambda: now_s)
    assert not leases.is_up
    now_s = 7.0
    assert await leases.ask("SELECT 1", 2) == [{"sql": "SELECT 1", "params": (2,)}]
    assert leases.is_up
    now_s = 9.0
    await leases.ask("SELECT 2")
    assert len(postgresql.connects) == 1
    assert leases.up_since_s == 7.0
    await leases.close()
    assert not leases.is_up
    assert postgresql.connects[0].is_closed()


@instant
async def test_the_server_gives_up_before_the_instance_does(postgresql: FakePostgresql) -> None:
    connection()
    told = postgresql.options["connect_args"]["server_settings"]
    assert told["application_name"] == "the name"
    assert told["statement_timeout"] == told["lock_timeout"] == "800"


@instant
@pytest.mark.parametrize("between_steps", [False, True])
async def test_a_server_that_hangs_is_dropped_after_its_time(
    postgresql: FakePostgresql, between_steps: bool
) -> None:
    leases = connection()
    await leases.ask("SELECT 1")
    postgresql.connects[0].hangs = True
    postgresql.connects[0].between_steps = between_steps
    began_s = asyncio.get_running_loop().time()
    with pytest.raises(StorageUnavailable, match="/cluster: no answer within 1 s") as raised:
        await leases.ask("SELECT 2")
    assert asyncio.get_running_loop().time() - began_s == pytest.approx(ANSWER_S, abs=0.01)
    assert raised.value.timed_out
    assert "hidden" not in str(raised.value)
    await leases.ask("SELECT 3")
    assert len(postgresql.connects) == 2


@instant
async def test_a_connect_that_hangs_is_given_up_too(postgresql: FakePostgresql) -> None:
    leases = connection()
    postgresql.hangs = True
    with pytest.raises(StorageUnavailable) as raised:
        await leases.ask("SELECT 1")
    assert raised.value.timed_out
    assert not leases.is_up


@instant
async def test_a_refused_connect_is_told_and_tried_again(postgresql: FakePostgresql) -> None:
    leases = connection()
    postgresql.down = ConnectionRefusedError("refused")
    with pytest.raises(StorageUnavailable, match="refused") as raised:
        await leases.ask("SELECT 1")
    assert not raised.value.timed_out
    postgresql.down = None
    await leases.ask("SELECT 1")
    assert leases.is_up


@pytest.mark.parametrize(
    ("error", "is_kept"),
    [
        (asyncpg.QueryCanceledError("statement timeout"), True),
        (asyncpg.LockNotAvailableError("lock timeout"), True),
        (asyncpg.AdminShutdownError("the server stops"), False),
        (asyncpg.InterfaceError("in use"), False),
    ],
)
def test_after_an_error_the_connection_stays_only_if_the_server_gave_up_in_time(
    postgresql: FakePostgresql, error: Exception, is_kept: bool
) -> None:
    @instant
    async def run() -> None:
        leases = connection()
        errors = [error]

        def answer(_sql: str, _params: object) -> Rows:
            if errors:
                raise errors.pop()
            return []

        postgresql.answer = answer
        with pytest.raises(StorageUnavailable) as raised:
            await leases.ask("SELECT 1")
        assert raised.value.timed_out is is_kept
        assert leases.is_up is is_kept
        await leases.ask("SELECT 1")
        assert len(postgresql.connects) == (1 if is_kept else 2)

    run()


@instant
async def test_a_cancelled_statement_leaves_no_connection_behind(
    postgresql: FakePostgresql,
) -> None:
    leases = connection()
    await leases.ask("SELECT 1")
    postgresql.connects[0].hangs = True
    asking = asyncio.ensure_future(leases.ask("SELECT 2"))
    await asyncio.sleep(0.1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert postgresql.connects[0].is_closed()
    assert not leases.is_up


@instant
async def test_an_ended_connection_is_told_at_once_and_made_anew(
    postgresql: FakePostgresql,
) -> None:
    leases = connection()
    losses: list[str] = []
    leases.at_loss(lambda: losses.append("lost"))
    await leases.ask("SELECT 1")
    postgresql.connects[0].break_off()
    assert losses == ["lost"]
    await leases.ask("SELECT 2")
    assert len(postgresql.connects) == 2
    postgresql.connects[0].break_off()  # of a connection before this one nobody is told
    assert losses == ["lost"]


@instant
async def test_hints_come_in_and_each_channel_is_looked_at_after_a_loss(
    postgresql: FakePostgresql,
) -> None:
    leases = connection()
    heard: list[tuple[str, str]] = []
    leases.at_hint(lambda channel, payload: heard.append((channel, payload)))
    leases.listen_to("b")
    leases.listen_to("a")
    await leases.ask("SELECT 1")
    await leases.ask("SELECT 2")
    assert heard == [("a", ""), ("b", "")]
    postgresql.connects[0].notify("b", "x")
    assert heard[2:] == [("b", "x")]
    leases.listen_to("c")
    await leases.ask("SELECT 3")
    assert heard[3:] == [("c", "")]
    postgresql.connects[0].break_off()
    await leases.ask("SELECT 4")
    assert heard[4:] == [("a", ""), ("b", ""), ("c", "")]
