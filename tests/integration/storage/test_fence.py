"""Writes under a lease on a real PostgreSQL, with a takeover before, during and after them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from bridge.calls.store.call_store import CallStore
from bridge.faults import Fenced
from bridge.storage.engine import FROZEN_WRITER_LIMIT_S, open_engine
from bridge.storage.fence import LOCK_ONE, LOCK_SEVERAL, Fence
from bridge.storage.fenced_writes import FencedWrites
from bridge.storage.statement import Statement, Write
from bridge.storage.write_queue import WriteQueue
from bridge.testing.eventually import eventually

from .lease_rows import RENEW, TAKE_OVER, connected, give, waiting_for_a_lock
from .phone_calls import ended, live_call

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

MINE, OTHER = Fence("pbx:main", 7, "me"), Fence("pbx:second", 2, "me")
INSERT = Statement("INSERT INTO storage_probes (name, at_ms) VALUES (:name, 1)")
TOUCH = Statement("UPDATE storage_probes SET at_ms = at_ms + 1 WHERE name = :name")


def row(name: str) -> Write:
    return INSERT.write(name=name)


@pytest.fixture
async def database(engine: AsyncEngine) -> AsyncIterator[Any]:
    """A connection of somebody else; we hold both leases."""
    async with connected(engine) as connection:
        await give(connection, MINE)
        await give(connection, OTHER)
        yield connection


async def names(database: Any) -> set[str]:
    return {x["name"] for x in await database.fetch("SELECT name FROM storage_probes")}


async def test_given_a_batch_in_flight_then_the_takeover_waits_and_the_old_epoch_writes_no_more(
    engine: AsyncEngine, queue: WriteQueue, database: Any
) -> None:
    await queue.submit(row("locked"))
    async with connected(engine) as blocking, connected(engine) as renewing:
        holding = blocking.transaction()
        await holding.start()
        await blocking.execute("UPDATE storage_probes SET at_ms = 5")
        touching = TOUCH.write(name="locked")
        writing = asyncio.ensure_future(queue.submit(touching, row("in flight"), fence=MINE))
        await eventually(lambda: waiting_for_a_lock(renewing, query="UPDATE storage_probes"), 15)
        await renewing.execute(RENEW, MINE.resource)  # passes at once
        takeover = asyncio.ensure_future(database.execute(TAKE_OVER, MINE.resource))
        await eventually(lambda: waiting_for_a_lock(renewing, query="UPDATE leases"), 15)
        assert not takeover.done()
        await holding.rollback()
        assert await writing == (1, 1)
        await takeover
    assert await names(database) == {"locked", "in flight"}
    with pytest.raises(Fenced):
        await queue.submit(row("late"), fence=MINE)
    assert await names(database) == {"locked", "in flight"}
    assert queue.problem == ""


@pytest.mark.parametrize("taken_over", [True, False])
@pytest.mark.parametrize("several", [True, False])
async def test_given_a_takeover_in_flight_then_the_write_waits_for_what_becomes_of_it(
    engine: AsyncEngine, queue: WriteQueue, database: Any, taken_over: bool, several: bool
) -> None:
    async with connected(engine) as watching:
        taking = database.transaction()
        await taking.start()
        await database.execute(TAKE_OVER, MINE.resource)
        writing = asyncio.ensure_future(queue.submit(row("late"), fence=MINE))
        if several:
            queue.submit_later(row("of the other"), fence=OTHER)
        lock = LOCK_SEVERAL if several else LOCK_ONE
        await eventually(lambda: waiting_for_a_lock(watching, query=lock[:30]), 15)
        await (taking.commit() if taken_over else taking.rollback())
    if taken_over:
        with pytest.raises(Fenced):
            await writing
    else:
        assert await writing == (1,)
    await queue.caught_up()
    other = {"of the other"} if several else set[str]()
    assert await names(database) == other | (set() if taken_over else {"late"})


async def test_given_two_fences_and_none_in_one_batch_then_only_those_of_the_lost_one_miss(
    engine: AsyncEngine, database: Any
) -> None:
    told: list[Fence] = []
    queue = WriteQueue(engine, fenced=told.append)
    await queue.start()
    await database.execute(TAKE_OVER, OTHER.resource)
    queue.submit_later(row("later, lost"), fence=OTHER)
    queue.submit_later(row("later, mine"), fence=MINE)
    outcomes = await asyncio.gather(
        queue.submit(row("mine"), fence=MINE),
        queue.submit(row("lost"), fence=OTHER),
        queue.submit(row("free")),
        queue.submit(row("free")),  # twice: the groups are written one by one
        queue.submit(row("lost too"), fence=OTHER),
        queue.submit(row("mine too"), fence=MINE),
        return_exceptions=True,
    )
    await queue.caught_up()
    await queue.stop()
    assert [isinstance(x, Fenced) for x in outcomes] == [*(False, True, False, False, True, False)]
    assert await names(database) == {"later, mine", "mine", "free", "mine too"}
    assert told == [OTHER]


@pytest.mark.parametrize("several", [True, False])
async def test_given_a_restored_backup_then_one_of_two_holders_of_an_epoch_writes(
    queue: WriteQueue, database: Any, several: bool
) -> None:
    before = Fence(MINE.resource, MINE.epoch, "held it before the backup")
    writing = queue.submit(row("of the holder before"), fence=before)
    if several:
        queue.submit_later(row("mine"), fence=MINE)
        queue.submit_later(row("of the other"), fence=OTHER)
    with pytest.raises(Fenced):
        await writing
    await queue.submit(row("mine too"), fence=MINE)
    assert await names(database) == {"mine too"} | ({"mine", "of the other"} if several else set())


async def test_given_a_released_lease_then_late_writes_are_kept_until_it_is_taken(
    queue: WriteQueue, database: Any
) -> None:
    await database.execute("UPDATE leases SET holder = '' WHERE resource = $1", MINE.resource)
    await queue.submit(row("late"), fence=MINE)
    await database.execute(TAKE_OVER, MINE.resource)
    with pytest.raises(Fenced):
        await queue.submit(row("too late"), fence=MINE)
    assert await names(database) == {"late"}


async def test_given_a_takeover_then_no_queued_final_record_of_the_old_holder_is_written(
    queue: WriteQueue, engine: AsyncEngine, database: Any
) -> None:
    old = CallStore(engine, FencedWrites(queue, lambda: MINE))
    accepted = [live_call() for _ in range(100)]
    for call in accepted:
        await old.accept(call)
    with capture_logs() as lines:
        await database.execute(TAKE_OVER, MINE.resource)
        now = Fence(MINE.resource, MINE.epoch + 1, "other")
        new = CallStore(engine, FencedWrites(queue, lambda: now))
        for call in accepted:
            old.finish_later(ended(call, reason="by the old holder"))
        new.finish_later(ended(accepted[0], reason="by the new holder"))
        await queue.caught_up()
        await queue.caught_up()  # the first of both may be in the batch of the others
    assert {x.id for x in await new.live("main")} == {x.id for x in accepted[1:]}
    assert await new.find(accepted[0].id) == ended(accepted[0], reason="by the new holder")
    dropped = [x for x in lines if x["event"] == "writes_of_lost_lease_dropped"]
    assert sum(x["groups"] for x in dropped) == 100
    assert accepted[1].id not in str(dropped)


async def test_given_the_server_ends_the_writers_connection_then_nothing_is_lost_or_doubled(
    engine: AsyncEngine, queue: WriteQueue, database: Any
) -> None:
    store = CallStore(engine, FencedWrites(queue, lambda: MINE))
    accepted = [live_call(published_ms=1000 + n) for n in range(60)]
    for call in accepted:
        await store.accept(call)
    before = await database.fetchval("SELECT epoch FROM leases WHERE resource = $1", MINE.resource)

    async def writer_is_ended() -> bool:
        found = await database.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query = 'COMMIT'"
        )
        return bool(found)

    for number, call in enumerate(accepted):
        store.finish_later(ended(call), extra=[row(call.id)])
        if number % 20 == 0:
            await eventually(writer_is_ended, 10)
        await asyncio.sleep(0.002)  # the batches are small

    async def all_ended() -> bool:
        return not await store.live("main")

    await eventually(all_ended, 10)
    assert await names(database) == {x.id for x in accepted}
    for call in accepted:
        assert await store.find(call.id) == ended(call)
    assert before == MINE.epoch


@pytest.mark.parametrize("limit_s", [None, FROZEN_WRITER_LIMIT_S])
async def test_only_an_instance_of_several_is_dropped_while_it_stands_still(
    engine: AsyncEngine, limit_s: float | None
) -> None:
    url = engine.url.render_as_string(hide_password=False)
    one = open_engine(url, writer_silence_limit_s=limit_s)
    queue = WriteQueue(one)
    await queue.start()
    show = Statement(
        "INSERT INTO storage_probes (name, at_ms) SELECT"
        " current_setting('idle_in_transaction_session_timeout'), 1"
    )
    await queue.submit(show.write())
    await queue.stop()
    await one.dispose()
    async with connected(engine) as connection:
        assert await names(connection) == ({"0"} if limit_s is None else {"2s"})
