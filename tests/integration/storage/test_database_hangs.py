"""A database that neither answers nor fails: who waits is told in time, and nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.calls.store.call_store import CallStore
from bridge.faults import StorageUnavailable
from bridge.storage.engine import ANSWER_LIMIT_S
from bridge.storage.postgresql_writer import PostgresqlWriter
from bridge.storage.probe import StorageProbe
from bridge.storage.statement import Statement
from bridge.storage.write_queue import WriteQueue
from bridge.testing.eventually import eventually

from .phone_calls import ended, live_call
from .private_postgresql import PrivatePostgresql

# What a loaded machine may add to a limit.
SLACK_S = 2.0

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture(params=["all", "backends"])
def only_backends(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "backends")


@pytest.fixture
async def probe(queue: WriteQueue) -> AsyncIterator[StorageProbe]:
    probe = StorageProbe(queue, "test")
    await probe.start()
    yield probe
    await probe.stop()


async def test_given_a_server_that_hangs_when_nobody_writes_then_the_problem_is_told_in_3_s(
    queue: WriteQueue, probe: StorageProbe, postgresql: PrivatePostgresql, only_backends: bool
) -> None:
    with postgresql.frozen(only_backends=only_backends):
        began = time.monotonic()
        await eventually(lambda: queue.problem != "", 10)
        assert time.monotonic() - began < 3.0 + SLACK_S
        assert "PostgreSQL" in queue.problem
    await eventually(lambda: queue.problem == "", 20)


async def test_given_a_server_that_hangs_then_who_waits_is_refused_in_time_and_all_else_is_kept(
    store: CallStore, queue: WriteQueue, postgresql: PrivatePostgresql, only_backends: bool
) -> None:
    before, tracked = live_call(), live_call()
    await store.accept(before)
    refused = [live_call() for _ in range(4)]
    with postgresql.frozen(only_backends=only_backends):
        store.track(tracked)
        store.finish_later(ended(before))
        began = time.monotonic()
        outcomes = []
        for call in refused:  # one while the first is being written, one behind it, ...
            outcomes.append(asyncio.ensure_future(store.accept(call)))
            await asyncio.sleep(0.1)  # so that the next waits behind it
        await asyncio.wait(outcomes, timeout=ANSWER_LIMIT_S + SLACK_S)
        took_s = time.monotonic() - began
        faults = [x.exception() for x in outcomes if x.done()]
    assert took_s < ANSWER_LIMIT_S + SLACK_S
    if not only_backends:
        assert [type(x) for x in faults] == [StorageUnavailable] * 4, faults
        assert "within 4 s" in str(faults[0])
    assert len(faults) == 4
    after = live_call()

    async def accepted() -> bool:
        with contextlib.suppress(StorageUnavailable):
            await store.accept(after)
            return True
        return False

    await eventually(accepted, timeout=30)
    unsure = {x.id for x, y in zip(refused, faults, strict=True) if not isinstance(y, Exception)}
    unsure |= {
        x.id
        for x, y in zip(refused, faults, strict=True)
        if isinstance(y, StorageUnavailable) and y.outcome_unknown
    }
    live = {call.id for call in await store.live("main")}
    assert {tracked.id, after.id} <= live <= {tracked.id, after.id} | unsure
    assert await store.find(before.id) == ended(before)


async def test_given_a_server_that_hangs_then_a_read_ends_in_time_and_the_next_one_works(
    store: CallStore, engine: AsyncEngine, postgresql: PrivatePostgresql, only_backends: bool
) -> None:
    call = live_call()
    await store.accept(call)
    assert await store.find(call.id) == call
    with postgresql.frozen(only_backends=only_backends):
        began = time.monotonic()
        reads = [asyncio.ensure_future(store.find(call.id)) for _ in range(8)]
        await asyncio.wait(reads, timeout=ANSWER_LIMIT_S + SLACK_S)
        assert all(x.done() for x in reads)
        assert time.monotonic() - began < ANSWER_LIMIT_S + SLACK_S
        faults = [x.exception() for x in reads]
        assert isinstance(faults[0], StorageUnavailable)
        assert "PostgreSQL" in str(faults[0])
        assert "within 4 s" in str(faults[0])
    assert await store.find(call.id) == call


async def test_given_idle_connections_that_the_server_closed_then_reads_work(
    store: CallStore, postgresql: PrivatePostgresql
) -> None:
    call = live_call()
    await store.accept(call)
    for _ in range(2):
        assert await asyncio.gather(*(store.find(call.id) for _ in range(5))) == [call] * 5
        postgresql.stop()
        postgresql.start()


async def test_given_a_write_that_is_cancelled_midway_then_it_ends_at_once_and_the_next_one_works(
    engine: AsyncEngine, postgresql: PrivatePostgresql, only_backends: bool
) -> None:
    writer = PostgresqlWriter(engine)
    count = Statement("UPDATE event_subscriptions SET last_sequence = 0")
    assert await writer.commit([(count.write(),)]) == [(0,)]
    with postgresql.frozen(only_backends=only_backends):
        writing = asyncio.ensure_future(writer.commit([(count.write(),)]))
        _, pending = await asyncio.wait({writing}, timeout=0.2)  # it is under way
        assert pending
        began = time.monotonic()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert time.monotonic() - began < SLACK_S  # not the limit for an answer
        if only_backends:
            assert await writer.commit([(count.write(),)]) == [(0,)]
    assert await writer.commit([(count.write(),)]) == [(0,)]
    await writer.close()
