from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.storage.engine import reading
from bridge.storage.faults import StorageOverloaded, StorageUnavailable
from bridge.storage.statement import Statement, Write
from bridge.storage.write_queue import WriteQueue

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
async def stopped_queue(engine: AsyncEngine, table: None) -> AsyncIterator[WriteQueue]:
    """One that is started by the test, so that all it submits is there at once."""
    queue = WriteQueue(engine, max_waiting=10)
    queue._accepts = True
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
            await asyncio.sleep(0)
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
    stopped_queue: WriteQueue, engine: AsyncEngine
) -> None:
    for number, final in enumerate([False, True, False, False]):
        stopped_queue.submit_later(insert(number, counted=False), key="k", final=final)
    await stopped_queue.start()
    await stopped_queue.submit()
    assert list(await numbers(engine)) == [1, 3]


async def test_a_guard_stops_only_its_own_group(
    stopped_queue: WriteQueue, engine: AsyncEngine
) -> None:
    failing = RENAME.write(guard=True, id=1, word="x")
    waiters = [
        asyncio.create_task(stopped_queue.submit(failing, insert(n, counted=False))) for n in (2, 3)
    ]
    waiters.append(asyncio.create_task(stopped_queue.submit(insert(4, counted=False))))
    await asyncio.sleep(0)
    await stopped_queue.start()
    assert (await asyncio.gather(*waiters))[:2] == [(0, 0), (0, 0)]
    assert await numbers(engine) == {4: ""}


async def test_cancelled_submitters(stopped_queue: WriteQueue, engine: AsyncEngine) -> None:
    tasks = [asyncio.create_task(stopped_queue.submit(insert(n))) for n in range(5)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    tasks[3].cancel()
    await stopped_queue.start()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert list(await numbers(engine)) == [0, 2, 4]


async def test_cancelled_while_being_written(queue: WriteQueue, engine: AsyncEngine) -> None:
    for number in range(30):
        task = asyncio.create_task(queue.submit(insert(number)))
        await asyncio.sleep(0.0002 * (number % 10))
        task.cancel()
    await queue.submit(insert(100))
    assert 100 in await numbers(engine)


async def test_too_many_waiting(stopped_queue: WriteQueue, engine: AsyncEngine) -> None:
    waiters = [asyncio.create_task(stopped_queue.submit(insert(n))) for n in range(10)]
    await asyncio.sleep(0)
    with pytest.raises(StorageOverloaded, match="10"):
        await stopped_queue.submit(insert(11))
    stopped_queue.submit_later(insert(12))
    await stopped_queue.start()
    await asyncio.gather(*waiters)
    assert list(await numbers(engine)) == list(range(10))


async def test_a_superseded_group_makes_room(
    stopped_queue: WriteQueue, engine: AsyncEngine
) -> None:
    for number in range(30):
        stopped_queue.submit_later(RENAME.write(id=number, word="", counted=False), key="same")
    assert stopped_queue.waiting <= 10
    stopped_queue.submit_later(insert(1, counted=False), key="other")
    stopped_queue.submit_later(insert(2, counted=False), key="other")
    await stopped_queue.start()
    await stopped_queue.submit(insert(3))
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
    for _ in range(500):
        if len(await numbers(engine)) == 20:
            break
        await asyncio.sleep(0.01)
    assert len(await numbers(engine)) == 20
    await queue.stop()


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
