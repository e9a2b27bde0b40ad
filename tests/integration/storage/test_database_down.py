"""The database goes away and comes back: who waits is told, what nobody waits for is kept."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from bridge.calls.store.call_store import CallStore
from bridge.faults import StorageUnavailable
from bridge.storage.engine import open_engine
from bridge.storage.migrate import migrate
from bridge.storage.probe import StorageProbe
from bridge.storage.statement import Statement
from bridge.storage.write_queue import WriteQueue
from bridge.testing.eventually import eventually

from .phone_calls import ended, live_call
from .private_postgresql import PrivatePostgresql


@contextlib.contextmanager
def locked(url: str) -> Iterator[None]:
    """Another process holds SQLite's write lock, longer than we wait for it."""
    other = sqlite3.connect(make_url(url).database or "", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextlib.contextmanager
def server_down(server: PrivatePostgresql) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


@pytest.fixture
def down(
    request: pytest.FixtureRequest, database_url: str
) -> contextlib.AbstractContextManager[None]:
    if database_url.startswith("sqlite"):
        return locked(database_url)
    return server_down(request.getfixturevalue("postgresql"))


async def test_down_and_back(
    store: CallStore, down: contextlib.AbstractContextManager[None]
) -> None:
    before, refused, tracked, over = (live_call() for _ in range(4))
    await store.accept(before)
    with down:
        store.track(tracked)
        store.finish_later(ended(before))
        store.finish_later(ended(over))
        with pytest.raises(StorageUnavailable):
            await store.accept(refused)
        store.track(over)  # late, and after the end: must not bring the call back
        await asyncio.sleep(0.3)  # some tries fail meanwhile
    after = live_call()

    async def accepted() -> bool:
        with contextlib.suppress(StorageUnavailable):
            await store.accept(after)
            return True
        return False

    await eventually(accepted, timeout=20)
    live = {call.id for call in await store.live("main")}
    assert live == {tracked.id, after.id}
    assert await store.find(refused.id) is None
    assert await store.find(before.id) == ended(before)
    assert await store.find(over.id) == ended(over)


@pytest.fixture
async def sqlite_engine(sqlite_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(sqlite_url, sqlite_busy_timeout_ms=200)
    await migrate(engine)
    yield engine
    await engine.dispose()


async def accept_until_refused(store: CallStore) -> set[str]:
    accepted: set[str] = set()
    for _ in range(1000):
        call = live_call()
        try:
            await store.accept(call)
        except StorageUnavailable as error:
            if "full" in str(error):
                return accepted
            raise
        accepted.add(call.id)
    raise AssertionError("the disk was never full")


async def test_what_cannot_be_written_now_is_not_caught_up(sqlite_engine: AsyncEngine) -> None:
    queue = WriteQueue(sqlite_engine, first_retry_ms=10, last_retry_ms=50)
    await queue.start()
    written: list[bool] = []
    with locked(sqlite_engine.url.render_as_string()):
        queue.submit_later(written=lambda: written.append(True))
        assert not await queue.caught_up()
        assert written == []
    await eventually(queue.caught_up, 20)
    assert written == [True]
    await queue.stop()


async def test_the_problem_is_told_until_a_write_succeeds_and_said_once(
    sqlite_engine: AsyncEngine,
) -> None:
    queue = WriteQueue(sqlite_engine)
    await queue.start()
    store = CallStore(sqlite_engine, queue)
    database = sqlite_engine.url.render_as_string()
    assert queue.problem == ""
    with capture_logs() as lines:
        with locked(database):
            for _ in range(3):
                with pytest.raises(StorageUnavailable):
                    await store.accept(live_call())
                assert "locked" in queue.problem
        await store.accept(live_call())
        assert queue.problem == ""
    assert [x["event"] for x in lines] == ["storage_unavailable_began", "storage_unavailable_ended"]
    assert lines[1]["times"] == 3
    await queue.stop()


async def test_those_who_were_kept_away_are_let_in_by_the_probe(sqlite_engine: AsyncEngine) -> None:
    queue = WriteQueue(sqlite_engine)
    await queue.start()
    probe = StorageProbe(queue, "test")
    with locked(sqlite_engine.url.render_as_string()):
        await probe.start()
        assert "locked" in queue.problem
    await eventually(lambda: queue.problem == "", 10)
    await probe.stop()
    await queue.stop()


async def test_given_a_full_disk_at_the_start_then_the_probe_says_so_before_the_first_write(
    sqlite_engine: AsyncEngine,
) -> None:
    first = WriteQueue(sqlite_engine)
    await first.start()
    await StorageProbe(first, "filler").start()
    await first.stop()
    queue = WriteQueue(sqlite_engine)
    await queue.start()
    # as if the disk ended here, until the connection is opened anew
    await queue.submit(Statement("PRAGMA max_page_count = 1").write(counted=False))
    wide = "x" * 20_000  # a row that needs a page of its own
    probe = StorageProbe(queue, wide)
    with capture_logs() as lines:
        await probe.start()
    assert "full" in queue.problem
    assert [x["event"] for x in lines] == ["storage_unavailable_began"]
    await eventually(lambda: queue.problem == "", 10)  # opened anew: there is room
    await probe.stop()
    await queue.stop()


async def test_disk_full(sqlite_engine: AsyncEngine) -> None:
    queue = WriteQueue(sqlite_engine)
    await queue.start()
    store = CallStore(sqlite_engine, queue)
    # as if the disk ended here, until the connection is opened anew
    await queue.submit(Statement("PRAGMA max_page_count = 1").write(counted=False))
    accepted = await accept_until_refused(store)
    assert len(accepted) > 0
    assert {call.id for call in await store.live("main")} == accepted
    await store.accept(live_call())
    await queue.stop()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_what_the_server_closed_while_idle_is_no_failure(
    store: CallStore, postgresql: PrivatePostgresql
) -> None:
    await store.accept(live_call())
    postgresql.stop()
    postgresql.start()
    await store.accept(live_call())
    assert len(await store.live("main")) == 2


async def test_down_at_the_stop(
    engine: AsyncEngine, down: contextlib.AbstractContextManager[None]
) -> None:
    queue = WriteQueue(engine)
    await queue.start()
    store = CallStore(engine, queue)
    with down:
        store.track(live_call())
        await asyncio.wait_for(queue.stop(), 20)
    assert queue.waiting == 0


async def test_stop_while_down_with_more_than_a_batch_waiting(
    store: CallStore, queue: WriteQueue, down: contextlib.AbstractContextManager[None]
) -> None:
    with down:
        for _ in range(1_200):
            store.track(live_call())
        accepting = [asyncio.create_task(store.accept(live_call())) for _ in range(3)]
        await asyncio.sleep(0)  # they wait for their answers
        async with asyncio.timeout(30):
            await queue.stop()
        answers = await asyncio.gather(*accepting, return_exceptions=True)
    assert [type(x) for x in answers] == [StorageUnavailable] * 3
    assert queue.waiting == 0
