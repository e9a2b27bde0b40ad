"""An instance hears what the others have changed, each change once, and none is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from bridge.cluster.change_reader import OVERLAP_MS, ROWS_MAX, ChangeReader
from bridge.cluster.hints import Hear
from bridge.faults import StorageUnavailable
from bridge.storage.cluster_tables import shared_changes
from bridge.storage.shared_changes import CHANNEL, KEPT_MS, insert_change
from bridge.testing.eventually import eventually

from .sqlite_database import Clock, database

KIND = "subscription"
LATER_S = 3_600.0


class Heard:
    """A listener. `fails`: how often it says so before it hears anything."""

    def __init__(self, fails: list[Exception] | None = None) -> None:
        self.keys: list[list[str] | None] = []
        self._fails = fails or []

    async def __call__(self, keys: frozenset[str] | None) -> None:
        if self._fails:
            raise self._fails.pop(0)
        self.keys.append(None if keys is None else sorted(keys))


class FakeHints:
    def __init__(self) -> None:
        self.give: Hear = lambda _: None

    def listen(self, channel: str, hear: Hear) -> None:
        assert channel == CHANNEL
        self.give = hear

    def notify(self, channel: str, payload: str) -> None:
        raise AssertionError("a reader gives no hints")


@asynccontextmanager
async def started(reader: ChangeReader) -> AsyncIterator[None]:
    await reader.start()
    try:
        yield
    finally:
        await reader.stop()


async def change(engine: AsyncEngine, *keys: str, kind: str = KIND) -> None:
    async with engine.begin() as connection:
        for key in keys:
            await connection.execute(insert_change(kind, key))


async def test_a_change_is_told_once_with_the_others_of_its_kind(tmp_path: Path) -> None:
    async with database(tmp_path) as engine:
        await change(engine, "before")
        reader, heard, other = ChangeReader(engine, None, LATER_S), Heard(), Heard()
        reader.hear(KIND, heard)
        reader.hear("secrets", other)
        async with started(reader):
            await change(engine, "a", "b")
            await change(engine, "c", kind="nobody listens to it")
            await reader.catch_up()
            await reader.catch_up()
        assert heard.keys == [["a", "b"]]
        assert other.keys == []


async def test_a_change_before_its_listener_is_told_once(tmp_path: Path) -> None:
    """The directory of a start may have been loaded before the change."""
    async with database(tmp_path) as engine:
        reader, heard = ChangeReader(engine, None, LATER_S), Heard([StorageUnavailable("away")])
        async with started(reader):
            await change(engine, "a")
            await reader.catch_up()
            reader.hear(KIND, heard)
            with pytest.raises(StorageUnavailable):
                await reader.catch_up()
            await reader.catch_up()
            await change(engine, "b")
            await reader.catch_up()
        assert heard.keys == [None, ["b"]]


async def test_a_listener_that_comes_late_need_not_wait_for_the_interval(tmp_path: Path) -> None:
    async with database(tmp_path) as engine:
        reader, heard = ChangeReader(engine, None, LATER_S), Heard()
        async with started(reader):
            await change(engine, "a")
            await reader.catch_up()
            reader.hear(KIND, heard)
            await eventually(lambda: heard.keys == [None])


async def test_a_row_that_is_committed_late_is_heard_though_it_is_older(tmp_path: Path) -> None:
    clock = Clock()
    async with database(tmp_path, clock) as engine:
        reader, heard = ChangeReader(engine, None, LATER_S), Heard()
        reader.hear(KIND, heard)
        async with started(reader):
            clock.now_s += 5
            await reader.catch_up()
            clock.now_s -= 3
            await change(engine, "late")
            clock.now_s += 10
            await reader.catch_up()
            await reader.catch_up()
        assert heard.keys == [["late"]]


async def test_after_a_long_silence_anything_may_have_changed(tmp_path: Path) -> None:
    clock = Clock()
    async with database(tmp_path, clock) as engine:
        reader, heard = ChangeReader(engine, None, LATER_S), Heard()
        reader.hear(KIND, heard)
        async with started(reader):
            clock.now_s += (KEPT_MS - 2 * OVERLAP_MS) // 1000
            await reader.catch_up()
            assert heard.keys == []
            clock.now_s += (KEPT_MS - 2 * OVERLAP_MS) // 1000 + 1
            await reader.catch_up()
        assert heard.keys == [None]


async def test_of_very_many_changes_all_is_read_again(tmp_path: Path) -> None:
    clock = Clock()
    async with database(tmp_path, clock) as engine:
        reader, heard = ChangeReader(engine, None, LATER_S), Heard()
        reader.hear(KIND, heard)
        async with started(reader):
            rows = [
                {"id": str(n), "kind": KIND, "key": str(n), "changed_ms": clock.now_s * 1000}
                for n in range(ROWS_MAX)
            ]
            async with engine.begin() as connection:
                await connection.execute(shared_changes.insert(), rows)
            await reader.catch_up()
        assert heard.keys == [None]


async def test_a_listener_without_its_database_is_told_again(tmp_path: Path) -> None:
    async with database(tmp_path) as engine:
        reader, heard = ChangeReader(engine, None, LATER_S), Heard([StorageUnavailable("down")])
        reader.hear(KIND, heard)
        async with started(reader):
            await change(engine, "a")
            with pytest.raises(StorageUnavailable, match="down"):
                await reader.catch_up()
            await reader.catch_up()
        assert heard.keys == [["a"]]


async def test_a_faulty_listener_is_logged_and_keeps_nothing_from_others(tmp_path: Path) -> None:
    async with database(tmp_path) as engine:
        reader, heard, faulty = ChangeReader(engine, None, LATER_S), Heard(), Heard([KeyError()])
        reader.hear("secrets", faulty)
        reader.hear(KIND, heard)
        async with started(reader):
            await change(engine, "x", kind="secrets")
            await change(engine, "a")
            with capture_logs() as lines:
                await reader.catch_up()
        assert heard.keys == [["a"]]
        assert [(x["event"], x["kind"]) for x in lines] == [("shared_change_failed", "secrets")]


async def test_a_hint_makes_it_read_at_once_even_after_a_fault(tmp_path: Path) -> None:
    async with database(tmp_path) as engine:
        hints, told = FakeHints(), asyncio.Event()
        reader = ChangeReader(engine, hints, LATER_S)
        fails = [StorageUnavailable("down")]

        async def hear(keys: frozenset[str] | None) -> None:
            told.set()
            if fails:
                raise fails.pop()

        reader.hear(KIND, hear)
        async with started(reader):
            await change(engine, "a")
            for _ in range(2):
                told.clear()
                hints.give("")
                await asyncio.wait_for(told.wait(), 30)
        assert not fails


async def test_without_hints_it_reads_at_an_interval(tmp_path: Path) -> None:
    async with database(tmp_path) as engine:
        told = asyncio.Event()
        reader = ChangeReader(engine, None, 0.01)

        async def hear(keys: frozenset[str] | None) -> None:
            told.set()

        reader.hear(KIND, hear)
        async with started(reader):
            await change(engine, "a")
            await asyncio.wait_for(told.wait(), 30)


async def test_many_callers_at_once_share_reads(tmp_path: Path) -> None:
    clock = Clock()
    async with database(tmp_path, clock) as engine:
        reader, heard = ChangeReader(engine, None, LATER_S), Heard()
        reader.hear(KIND, heard)
        async with started(reader):
            await change(engine, "a")
            before = clock.read
            await asyncio.gather(*(reader.catch_up() for _ in range(20)))
        assert heard.keys == [["a"]]
        # the first read; it began before the others asked, so that they share a second one
        assert clock.read - before == 2
