"""The numbers that may register at the edge: written where they differ, and only there."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.cluster.edge.rows_by_number import PAGE
from bridge.cluster.edge.subscribers import AT_A_TIME, Subscribers, digest
from bridge.faults import Fenced, StorageUnavailable
from bridge.storage.fence import Fence
from bridge.storage.fenced_writes import FencedWrites
from bridge.storage.statement import Write
from bridge.storage.write_queue import WriteQueue

from ..sqlite_database import Clock, engine_in

TABLE = """CREATE TABLE edge.subscriber (
    id integer PRIMARY KEY, username text NOT NULL UNIQUE, ha1 text NOT NULL, devices integer,
    until_s integer NOT NULL DEFAULT 0)"""


@dataclass(frozen=True)
class Phone:
    number: str
    secret: str
    devices: int = 1


class Queue:
    """Writes each group, and keeps how many rows it had."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.groups: list[int] = []
        self.fences: list[object] = []

    async def submit(self, *writes: Write, **options: object) -> None:
        self.groups.append(len(writes))
        self.fences.append(options.get("fence"))
        async with self._engine.begin() as connection:
            for write in writes:
                await connection.exec_driver_sql(write.statement.sqlite, write.params)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    made = engine_in(tmp_path, Clock(), "edge")
    async with made.begin() as connection:
        await connection.exec_driver_sql(TABLE)
    yield made
    await made.dispose()


@pytest.fixture
def queue(engine: AsyncEngine) -> Queue:
    return Queue(engine)


@pytest.fixture
def subscribers(engine: AsyncEngine, queue: Queue) -> Subscribers:
    return Subscribers(engine, cast("WriteQueue", queue), "edge.example")


async def rows(engine: AsyncEngine) -> dict[str, tuple[str, int]]:
    async with engine.connect() as connection:
        found = await connection.exec_driver_sql("SELECT username, ha1, devices FROM subscriber")
        return {x.username: (x.ha1, x.devices) for x in found}


def test_the_digest_is_that_of_the_rfc() -> None:
    # RFC 2617, 3.5
    phone = Phone("Mufasa", "Circle Of Life")
    assert digest(phone, "testrealm@host.com") == "939e7578ed9e3c518a452acee763bce9"


async def test_new_and_changed_ones_are_written_and_others_left(
    engine: AsyncEngine, queue: Queue, subscribers: Subscribers
) -> None:
    await subscribers.keep([Phone("210", "a"), Phone("211", "b", 2)])
    ha1 = hashlib.md5(b"210:edge.example:a", usedforsecurity=False).hexdigest()
    assert (await rows(engine))["210"] == (ha1, 1)
    await subscribers.keep([Phone("210", "a"), Phone("211", "b", 2)])
    assert queue.groups == [2]
    await subscribers.keep([Phone("210", "a", 3), Phone("212", "c")])
    assert queue.groups == [2, 2]
    assert {x: y[1] for x, y in (await rows(engine)).items()} == {"210": 3, "211": 2, "212": 1}


async def test_those_that_are_gone_register_no_more(
    engine: AsyncEngine, queue: Queue, subscribers: Subscribers
) -> None:
    await subscribers.keep([Phone(x, "a") for x in ("210", "211", "212")])
    await subscribers.leave_only({"211", "999"})
    assert (await rows(engine)).keys() == {"211"}
    await subscribers.leave_only({"211"})
    assert queue.groups == [3, 2]


async def test_many_are_written_in_parts_so_that_calls_come_between(
    engine: AsyncEngine, queue: Queue, subscribers: Subscribers
) -> None:
    await subscribers.keep(Phone(str(x), "a") for x in range(AT_A_TIME + 1))
    await subscribers.leave_only(())
    assert queue.groups == [AT_A_TIME, 1, AT_A_TIME, 1]
    assert await rows(engine) == {}


async def test_those_of_several_pages_are_read_once_each(
    engine: AsyncEngine, queue: Queue, subscribers: Subscribers
) -> None:
    phones = [Phone(f"0003*{x}", "a") for x in range(2 * PAGE)]  # the last page is full
    await subscribers.keep(phones)
    queue.groups.clear()
    await subscribers.keep(phones)
    await subscribers.leave_only({x.number for x in phones})
    assert queue.groups == []
    await subscribers.leave_only({x.number for x in phones[1:]})
    assert queue.groups == [1]


async def test_of_two_nodes_at_once_one_writes(queue: Queue, subscribers: Subscribers) -> None:
    phones = [Phone(f"0003*{x}", "a") for x in range(3)]
    await asyncio.gather(subscribers.keep(phones), subscribers.keep(phones))
    await asyncio.gather(subscribers.leave_only(()), subscribers.leave_only(()))
    assert queue.groups == [3, 3]


async def test_a_node_writes_under_its_lease_and_nothing_once_that_is_lost(
    engine: AsyncEngine, queue: Queue, subscribers: Subscribers
) -> None:
    held: Fence | None = Fence("pbx:one", 3, "a")
    writes = FencedWrites(cast("WriteQueue", queue), lambda: held)
    of_node = subscribers.of_node(writes)
    await of_node.keep([Phone("210", "a"), Phone("211", "a")])
    await of_node.leave_only({"210"})
    assert queue.fences == [held] * 2
    before = await rows(engine)
    held = None
    for late in (of_node.keep([Phone("212", "a")]), of_node.leave_only(())):
        with pytest.raises(Fenced):
            await late
    with pytest.raises(Fenced):
        await of_node.lend(Phone("210", "c"), 60)
    assert await rows(engine) == before


async def test_of_nodes_with_leases_of_their_own_one_writes_too(
    queue: Queue, subscribers: Subscribers
) -> None:
    writes = cast("WriteQueue", queue)
    one, two = subscribers.of_node(writes), subscribers.of_node(writes)
    await asyncio.gather(one.keep([Phone("210", "a")]), two.keep([Phone("210", "a")]))
    assert queue.groups == [1]


async def test_without_the_table_nothing_is_written(tmp_path: Path) -> None:
    empty = engine_in(tmp_path, Clock(), "edge")
    queue = Queue(empty)
    subscribers = Subscribers(empty, cast("WriteQueue", queue), "edge.example")
    with pytest.raises(StorageUnavailable, match="no such table"):
        await subscribers.leave_only(())
    assert queue.groups == []
