"""Each change of another instance is heard once, soon, and in spite of lost hints."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.cluster import change_reader
from bridge.cluster.change_reader import ChangeReader
from bridge.faults import StorageUnavailable
from bridge.storage.shared_changes import (
    CHANNEL,
    SECRETS,
    SUBSCRIPTION,
    SharedNotes,
    purge_notes,
)
from bridge.storage.write_queue import WriteQueue
from bridge.testing.eventually import eventually

from .given_hints import GivenHints


class Heard:
    def __init__(self) -> None:
        self.keys: list[set[str] | None] = []
        self.faults: list[Exception] = []

    async def __call__(self, keys: frozenset[str] | None) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.keys.append(None if keys is None else set(keys))


@asynccontextmanager
async def reading(
    engine: AsyncEngine, hints: GivenHints, poll_s: float = 60.0
) -> AsyncIterator[tuple[ChangeReader, Heard]]:
    reader, heard = ChangeReader(engine, hints, poll_s), Heard()
    reader.hear(SUBSCRIPTION, heard)
    await reader.start()
    yield reader, heard
    await reader.stop()


@pytest.fixture
def hints() -> GivenHints:
    return GivenHints()


async def write(queue: WriteQueue, hints: GivenHints, *keys: str) -> None:
    notes = SharedNotes(lambda: hints.notify(CHANNEL, ""))
    await queue.submit(*notes.rows(SUBSCRIPTION, keys))
    notes.written()


async def test_given_a_hint_then_the_change_is_heard_at_once_and_once(
    migrated: AsyncEngine, queue: WriteQueue, hints: GivenHints
) -> None:
    await write(queue, hints, "before")
    async with reading(migrated, hints) as (reader, heard):
        await write(queue, hints, "one", "two")
        await eventually(lambda: heard.keys)
        await reader.catch_up()
        await write(queue, hints, "three")
        await eventually(lambda: len(heard.keys) > 1)
        await reader.catch_up()
    assert heard.keys == [{"one", "two"}, {"three"}]


async def test_given_a_lost_hint_then_the_next_look_finds_the_change(
    migrated: AsyncEngine, queue: WriteQueue, hints: GivenHints
) -> None:
    hints.lost = True
    async with reading(migrated, hints, poll_s=0.05) as (_, heard):
        await write(queue, hints, "one")
        await eventually(lambda: heard.keys)
    assert heard.keys == [{"one"}]


async def test_given_a_listener_that_cannot_read_then_it_hears_the_change_again(
    migrated: AsyncEngine, queue: WriteQueue, hints: GivenHints
) -> None:
    async with reading(migrated, hints, poll_s=0.05) as (_, heard):
        heard.faults = [StorageUnavailable("down")]
        await write(queue, hints, "one")
        await eventually(lambda: heard.keys)
    assert heard.keys == [{"one"}]


async def test_when_asked_to_catch_up_then_all_that_was_committed_is_heard(
    migrated: AsyncEngine, queue: WriteQueue, hints: GivenHints
) -> None:
    hints.lost = True
    async with reading(migrated, hints) as (reader, heard):
        for number in range(20):
            await write(queue, hints, str(number))
            await asyncio.gather(*(reader.catch_up() for _ in range(3)))
            assert heard.keys == [{str(x)} for x in range(number + 1)]


async def test_given_very_many_changes_then_everything_is_read_again(
    migrated: AsyncEngine,
    queue: WriteQueue,
    hints: GivenHints,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(change_reader, "ROWS_MAX", 10)
    hints.lost = True
    async with reading(migrated, hints) as (reader, heard):
        await write(queue, hints, *map(str, range(11)))
        await reader.catch_up()
    assert heard.keys == [None]


async def test_given_a_reader_that_was_away_for_long_then_everything_is_read_again(
    migrated: AsyncEngine,
    queue: WriteQueue,
    hints: GivenHints,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hints.lost = True
    async with reading(migrated, hints) as (reader, heard):
        monkeypatch.setattr(change_reader, "KEPT_MS", 0)  # as if the rows were gone
        await reader.catch_up()
    assert heard.keys == [None]


async def test_given_new_rows_when_purged_then_they_stay(
    migrated: AsyncEngine, queue: WriteQueue, hints: GivenHints
) -> None:
    hints.lost = True
    async with reading(migrated, hints) as (reader, heard):
        await write(queue, hints, "one")
        assert await purge_notes(queue) == 0
        await queue.submit(*SharedNotes(lambda: None).rows(SECRETS, [""]))  # nobody listens
        await reader.catch_up()
    assert heard.keys == [{"one"}]
