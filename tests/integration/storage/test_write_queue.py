from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from bridge.faults import StorageOverloaded, StorageUnavailable
from bridge.storage import batch_commit
from bridge.storage.database_writer import Committed
from bridge.storage.engine import reading
from bridge.storage.fence import Fence
from bridge.storage.statement import Counts, Group, Statement, Write
from bridge.storage.write_queue import CROWDED, WriteQueue
from bridge.supervision.tasks import supervisor
from bridge.testing.eventually import eventually

INSERT = Statement("INSERT INTO numbers (id, word) VALUES (:id, :word)")
RENAME = Statement("UPDATE numbers SET word = :word WHERE id = :id")
APPEND = Statement("UPDATE numbers SET word = word || :more WHERE id = :id")
REMOVE = Statement("DELETE FROM numbers WHERE id < :below")


def insert(number: int, word: str = "", *, counted: bool = True) -> Write:
    return INSERT.write(id=number, word=word, counted=counted)


@pytest.fixture(autouse=True)
async def table(queue: WriteQueue) -> None:
    await queue.submit(
        Statement("CREATE TABLE numbers (id INTEGER PRIMARY KEY, word TEXT)").write(counted=False)
    )


async def numbers(engine: AsyncEngine) -> dict[int, str]:
    async with reading(engine) as connection:
        rows = await connection.execute(text("SELECT id, word FROM numbers ORDER BY id"))
        return {row.id: row.word for row in rows}


@pytest.fixture
async def small_queue(engine: AsyncEngine, table: None) -> AsyncIterator[WriteQueue]:
    """Ten may wait. What a test submits in one round of the event loop is there at once."""
    queue = WriteQueue(engine, max_waiting=10)
    await queue.start()
    yield queue
    await queue.stop()


async def test_counts_of_each_write(queue: WriteQueue, engine: AsyncEngine) -> None:
    assert await queue.submit(insert(1), insert(2), insert(3)) == (1, 1, 1)
    assert await queue.submit(
        RENAME.write(id=1, word="one"), RENAME.write(id=9, word="nine"), REMOVE.write(below=3)
    ) == (1, 0, 2)
    assert await numbers(engine) == {3: ""}


async def test_order_over_the_whole_queue(queue: WriteQueue, engine: AsyncEngine) -> None:
    await queue.submit(insert(1))
    waiters = []
    for step in "abcdefghij":
        if step in "cfg":
            queue.submit_later(APPEND.write(id=1, more=step, counted=False))
        else:
            waiters.append(
                asyncio.create_task(queue.submit(APPEND.write(id=1, more=step)), name=step)
            )
            await asyncio.sleep(0)  # it submits before the next step
    await asyncio.gather(*waiters)
    assert await numbers(engine) == {1: "abcdefghij"}


async def test_a_wrong_group_poisons_no_other(queue: WriteQueue, engine: AsyncEngine) -> None:
    await queue.submit(insert(5))
    outcomes = await asyncio.gather(
        queue.submit(insert(1)),
        queue.submit(insert(2), insert(5)),  # 5 is there: nothing of this group
        queue.submit(Statement("UPDATE no_such_table SET a = :a").write(a=1)),
        queue.submit(RENAME.write(id=5, word="five"), insert(3)),
        queue.submit(INSERT.write(id="x", word="not a number")),
        queue.submit(insert(4)),
        return_exceptions=True,
    )
    assert [isinstance(outcome, Exception) for outcome in outcomes] == [
        *(False, True, True, False, True, False)
    ]
    assert not any(isinstance(outcome, StorageUnavailable) for outcome in outcomes)
    assert await numbers(engine) == {1: "", 3: "", 4: "", 5: "five"}


async def test_a_wrong_group_nobody_waits_for(queue: WriteQueue, engine: AsyncEngine) -> None:
    await queue.submit(insert(1))
    queue.submit_later(insert(1, counted=False))
    queue.submit_later(insert(2, counted=False))
    assert await queue.submit(insert(3)) == (1,)
    assert list(await numbers(engine)) == [1, 2, 3]


@pytest.mark.parametrize("counted", [True, False])
async def test_guard(queue: WriteQueue, engine: AsyncEngine, counted: bool) -> None:
    group = (
        RENAME.write(guard=True, id=1, word="x"),
        insert(2, counted=counted),
        insert(3, counted=counted),
    )
    assert await queue.submit(*group) == (0, 0, 0)
    await queue.submit(insert(1))
    assert await numbers(engine) == {1: ""}
    counts = await queue.submit(*group)
    assert counts[0] == 1
    assert 0 not in counts
    assert await numbers(engine) == {1: "x", 2: "", 3: ""}


async def test_a_final_group_is_never_left_out(
    small_queue: WriteQueue, engine: AsyncEngine
) -> None:
    for number, final in enumerate([False, True, False, False]):
        small_queue.submit_later(insert(number, counted=False), key="k", final=final)
    await small_queue.submit()
    assert list(await numbers(engine)) == [1, 3]


async def test_a_guard_stops_only_its_own_group(
    small_queue: WriteQueue, engine: AsyncEngine
) -> None:
    failing = RENAME.write(guard=True, id=1, word="x")
    waiters = [
        asyncio.create_task(small_queue.submit(failing, insert(n, counted=False))) for n in (2, 3)
    ]
    waiters.append(asyncio.create_task(small_queue.submit(insert(4, counted=False))))
    assert (await asyncio.gather(*waiters))[:2] == [(0, 0), (0, 0)]
    assert await numbers(engine) == {4: ""}


async def test_cancelled_submitters(small_queue: WriteQueue, engine: AsyncEngine) -> None:
    tasks = [asyncio.create_task(small_queue.submit(insert(n))) for n in range(5)]
    await asyncio.sleep(0)  # they have submitted, and nothing is written yet
    tasks[1].cancel()
    tasks[3].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert list(await numbers(engine)) == [0, 2, 4]


async def test_cancelled_while_being_written(queue: WriteQueue, engine: AsyncEngine) -> None:
    for number in range(30):
        task = asyncio.create_task(queue.submit(insert(number)))
        await asyncio.sleep(0.0002 * (number % 10))  # before, while and after it is written
        task.cancel()
    await queue.submit(insert(100))
    assert 100 in await numbers(engine)


async def test_too_many_waiting(small_queue: WriteQueue, engine: AsyncEngine) -> None:
    waiters = [asyncio.create_task(small_queue.submit(insert(n))) for n in range(10)]
    await asyncio.sleep(0)  # they have submitted, and nothing is written yet
    with pytest.raises(StorageOverloaded, match="10"):
        await small_queue.submit(insert(11))
    small_queue.submit_later(insert(12))
    await asyncio.gather(*waiters)
    assert list(await numbers(engine)) == list(range(10))


async def test_a_superseded_group_makes_room(small_queue: WriteQueue, engine: AsyncEngine) -> None:
    for number in range(30):
        small_queue.submit_later(RENAME.write(id=number, word="", counted=False), key="same")
    assert small_queue.waiting <= 10
    small_queue.submit_later(insert(1, counted=False), key="other")
    small_queue.submit_later(insert(2, counted=False), key="other")
    await small_queue.submit(insert(3))
    assert list(await numbers(engine)) == [2, 3]


async def test_stop_writes_what_waits(engine: AsyncEngine, table: None) -> None:
    queue = WriteQueue(engine, max_batch=7, linger_ms=10_000)
    await queue.start()
    for number in range(100):
        queue.submit_later(insert(number, counted=False))
    await queue.stop()
    assert len(await numbers(engine)) == 100
    with pytest.raises(StorageUnavailable, match="stopped"):
        await queue.submit(insert(101))
    queue.submit_later(insert(102))


async def test_later_writes_need_nobody_to_push_them(engine: AsyncEngine, table: None) -> None:
    queue = WriteQueue(engine, max_batch=7, linger_ms=1)
    await queue.start()
    for number in range(20):
        queue.submit_later(insert(number, counted=False))

    async def all_written() -> bool:
        return len(await numbers(engine)) == 20

    await eventually(all_written, timeout=20)
    await queue.stop()


async def test_only_a_crowd_makes_the_next_batch_wait(engine: AsyncEngine, table: None) -> None:
    queue = WriteQueue(engine, pace_ms=3_000)
    await queue.start()
    for number in range(3):
        await queue.submit(insert(number), within_s=2)  # each is a batch, and none waits
    await asyncio.gather(*(queue.submit(insert(10 + x)) for x in range(CROWDED)))
    with pytest.raises(StorageUnavailable, match="not written"):
        await queue.submit(insert(99), within_s=0.2)
    await queue.stop()
    assert len(await numbers(engine)) == 3 + CROWDED


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_two_queues_on_the_same_rows(engine: AsyncEngine, queue: WriteQueue) -> None:
    """Two instances, each with batches that lock rows in another order."""
    other = WriteQueue(engine)
    await other.start()
    await queue.submit(*[insert(n) for n in range(20)])
    submits = []
    for _ in range(10):
        submits += [queue.submit(APPEND.write(id=n, more="a")) for n in range(20)]
        submits += [other.submit(APPEND.write(id=n, more="b")) for n in reversed(range(20))]
    assert set(await asyncio.gather(*submits)) == {(1,)}
    await other.stop()
    assert {"".join(sorted(word)) for word in (await numbers(engine)).values()} == {
        "a" * 10 + "b" * 10
    }


async def test_a_callback_that_raises_costs_nothing_else(
    queue: WriteQueue, engine: AsyncEngine
) -> None:
    told: list[int] = []

    def fails() -> None:
        raise RuntimeError("by the test")

    for number in range(3):
        queue.submit_later(
            insert(number, counted=False),
            written=fails if number == 1 else lambda x=number: told.append(x),  # type: ignore[misc]
        )
    with capture_logs() as lines:
        async with asyncio.timeout(10):
            assert await queue.submit(insert(3)) == (1,)
    assert told == [0, 2]
    assert [x["event"] for x in lines] == ["written_callback_failed"]
    assert list(await numbers(engine)) == [0, 1, 2, 3]
    assert queue.problem == ""


class Miscounting:
    """A writer with a fault of ours: it answers for no group."""

    def __init__(self) -> None:
        self.commits = 0

    async def commit(
        self, groups: Sequence[Group], _: Sequence[Fence], committed: Committed
    ) -> list[Counts]:
        self.commits += 1
        committed([])
        return []

    async def close(self) -> None:
        pass


async def test_a_dead_writer_refuses_what_waits_and_what_comes(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Miscounting()
    monkeypatch.setattr(batch_commit, "batch_writer", lambda _: writer)
    queue = WriteQueue(engine)
    await queue.start()
    waiters = [asyncio.create_task(queue.submit(insert(n))) for n in range(3)]
    await asyncio.sleep(0)  # they have submitted
    queue.submit_later(insert(9))
    async with asyncio.timeout(10):
        outcomes = await asyncio.gather(*waiters, return_exceptions=True)
        assert [type(x) for x in outcomes] == [StorageUnavailable] * 3
        with pytest.raises(StorageUnavailable, match="has ended: ValueError"):
            await queue.submit(insert(4))
        assert not await queue.caught_up()
    assert "has ended: ValueError" in queue.problem
    assert (queue.waiting, writer.commits) == (0, 1)  # nothing on disk is written again
    await queue.stop()
    assert (
        supervisor().problem
        == "write_queue has ended: ValueError: zip() argument 2 is shorter than argument 1"
    )
