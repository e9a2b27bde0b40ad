"""Conversations on both engines: what is found, and what the database decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.recordings.conversation import Mute, StoredConversation
from bridge.recordings.conversation_records import LimitReached
from bridge.recordings.selection import Progress, SearchOrder, Selection
from bridge.recordings.store.conversation_store import ConversationStore
from bridge.storage.engine import reading
from bridge.storage.write_queue import WriteQueue

from .conversations import conversation, of_number, request

_TABLES = (
    "conversations",
    "conversation_numbers",
    "conversation_markers",
    "conversation_metadata",
)


@pytest.fixture
def records(engine: AsyncEngine, queue: WriteQueue) -> ConversationStore:
    return ConversationStore(engine, queue)


async def audit_lines(engine: AsyncEngine) -> list[Any]:
    """What remains of each deletion, as an operator reads it: with SQL."""
    async with reading(engine) as connection:
        return list(await connection.execute(text("SELECT * FROM conversation_deletions")))


async def test_given_a_conversation_when_read_again_then_it_is_the_same(
    records: ConversationStore,
) -> None:
    one = conversation()
    await records.create(one)
    changed = replace(one, ended_ms=9_000, cause=16, mute=Mute.SOURCE).with_media(
        replace(one.media[0], ended_ms=9_000, bytes=5, sha256="ab")
    )

    assert await records.get(one.id) == StoredConversation(one)
    assert await records.update(changed)

    assert await records.of_call(one.call_id) == StoredConversation(changed)
    assert await records.ongoing("main") == []


async def test_given_several_calls_of_a_number_when_selected_then_the_whole_number_must_match(
    records: ConversationStore,
) -> None:
    first = of_number("8856", 1_000, 5_000)
    second = of_number("8856", 2_000, 4_000)
    ongoing = of_number("8856", 3_000)
    for one in (first, second, ongoing, of_number("88561", 1_500), of_number("885", 1_600)):
        await records.create(one)

    numbers = frozenset({"8856", "0003*8856"})
    found = await records.select(Selection(numbers=numbers), 10)
    last = await records.select(Selection(numbers=numbers, progress=Progress.FINISHED), 1)
    now = await records.select(Selection(numbers=numbers, progress=Progress.ONGOING), 10)

    assert {x.conversation.id for x in found} == {first.id, second.id, ongoing.id}
    assert [x.conversation.id for x in last] == [first.id]  # it ended last
    assert [x.conversation.id for x in now] == [ongoing.id]


@pytest.mark.parametrize(
    ("selection", "matches"),
    [
        (Selection(organization="0003"), True),
        (Selection(organization="0004"), True),  # an extension of it was called
        (Selection(organization="0005"), False),
        (Selection(organization="4"), False),
        (Selection(platform_call_id="x"), False),
        (Selection(native_id="x"), False),
        (Selection(meeting_id="x"), False),
        (Selection(conversation_id="x"), False),
        (Selection(numbers=frozenset({"0003"})), False),
    ],
)
async def test_given_a_conversation_when_selected_then_every_criterion_must_hold(
    records: ConversationStore, selection: Selection, matches: bool
) -> None:
    one = conversation()
    one = replace(one, meeting_id="0003*500", numbers=one.numbers | {"0004*211"})
    await records.create(one)

    assert len(await records.select(selection, 10)) == int(matches)
    exact = replace(
        selection,
        conversation_id=selection.conversation_id or one.id,
        platform_call_id=selection.platform_call_id or one.linkedid,
        native_id=selection.native_id or one.native_id,
        meeting_id=selection.meeting_id or "0003*500",
        numbers=selection.numbers or frozenset({"0003*210"}),
    )
    assert len(await records.select(exact, 10)) == int(matches)


async def test_given_a_mark_when_selected_then_it_is_not_there_until_a_removal_has_failed(
    records: ConversationStore,
) -> None:
    one = conversation(1_000, 2_000)
    await records.create(one)

    assert await records.mark_deletion(one, request())

    assert await records.select(Selection(conversation_id=one.id), 10) == []
    [marked] = await records.select(Selection(conversation_id=one.id, also_marked=True), 10)
    assert marked.marks.deletion_ms is not None
    assert await records.search(SearchOrder()) == []
    assert not await records.protect(one.id, protected=True)
    assert not await records.add_marker(one.id, "m", 0, None, 9)
    assert not await records.attach(one.id, {"a": "b"}, 9)
    await records.deletion_failed(one.id, "Delete failed")
    [seen] = await records.select(Selection(conversation_id=one.id), 10)
    assert seen.marks.failure == "Delete failed"
    assert [x.conversation.id for x in await records.unfinished("main")] == [one.id]


async def test_given_many_who_mark_and_remove_at_once_then_one_of_each_succeeds(
    records: ConversationStore, engine: AsyncEngine
) -> None:
    one = conversation(1_000, 2_000)
    await records.create(one)

    marked = await asyncio.gather(*(records.mark_deletion(one, request()) for _ in range(20)))
    removed = await asyncio.gather(*(records.remove(one.id, 6_000) for _ in range(20)))

    assert (sum(marked), sum(removed)) == (1, 1)
    [line] = await audit_lines(engine)
    assert (line.conversation_id, line.phone_call_id) == (one.id, one.call_id)
    assert (line.key_name, line.user_name, line.remote) == ("erasure", "supervisor", "127.0.0.1")
    assert (line.requested_ms, line.done_ms, line.result) == (5_000, 6_000, "deleted")


async def test_given_a_protected_conversation_when_marked_then_nothing_changes(
    records: ConversationStore, engine: AsyncEngine
) -> None:
    one = conversation(1_000, 2_000)
    await records.create(one)
    assert await records.protect(one.id, protected=True)

    assert not await records.mark_deletion(one, request())

    assert await audit_lines(engine) == []
    assert not await records.remove(one.id, 6_000)
    assert await records.protect(one.id, protected=False)
    assert await records.mark_deletion(one, request())


async def test_given_a_removed_conversation_then_no_row_of_it_is_left_and_none_comes_back(
    records: ConversationStore, engine: AsyncEngine
) -> None:
    one = conversation(1_000, 2_000)
    await records.create(one)
    assert await records.add_marker(one.id, "m", 10, None, 9)
    assert await records.attach(one.id, {"case": "1"}, 9)
    await records.mark_deletion(one, request())
    await records.remove(one.id, 6_000)

    assert not await records.update(one)

    async with reading(engine) as connection:
        for table in _TABLES:
            count = await connection.execute(text(f"SELECT count(*) FROM {table}"))  # noqa: S608
            assert (table, count.scalar()) == (table, 0)


async def test_given_markers_and_metadata_when_changed_then_read_in_order(
    records: ConversationStore,
) -> None:
    one = conversation()
    await records.create(one)
    assert await records.add_marker(one.id, "first", 10, 10, 9)
    assert await records.add_marker(one.id, "open", 20, None, 9)
    assert await records.end_marker(one.id, "", 30)
    assert not await records.end_marker(one.id, "", 40)
    assert await records.attach(one.id, {"case": "1", "agent": "x"}, 9)
    assert await records.attach(one.id, {"case": "2"}, 9)

    shown = [(x.name, x.start_ms, x.end_ms) for x in await records.markers(one.id)]

    assert shown == [("first", 10, 10), ("open", 20, 30)]
    assert await records.metadata(one.id) == {"agent": "x", "case": "2"}
    of_several = await records.metadata_of([one.id, "none"])
    assert of_several == {one.id: {"agent": "x", "case": "2"}, "none": {}}


@pytest.fixture
async def both(engine: AsyncEngine, queue: WriteQueue) -> AsyncIterator[list[ConversationStore]]:
    """As two instances have them, on one database."""
    other = WriteQueue(engine, first_retry_ms=20, last_retry_ms=50)
    await other.start()
    yield [ConversationStore(engine, queue), ConversationStore(engine, other)]
    await other.stop()


async def test_given_two_instances_when_many_add_markers_at_once_then_the_limit_holds(
    both: list[ConversationStore],
) -> None:
    one = conversation()
    await both[0].create(one)

    added = await asyncio.gather(
        *(both[x % 2].add_marker(one.id, f"m{x}", x, None, 5) for x in range(20)),
        return_exceptions=True,
    )

    assert added.count(True) == 5
    assert sum(isinstance(x, LimitReached) for x in added) == 15
    assert [x.number for x in await both[0].markers(one.id)] == [1, 2, 3, 4, 5]
    assert not await both[0].add_marker("none", "m", 0, None, 5)


async def test_given_two_instances_when_many_attach_at_once_then_the_limit_holds(
    both: list[ConversationStore],
) -> None:
    one = conversation()
    await both[0].create(one)

    attached = await asyncio.gather(
        *(both[x % 2].attach(one.id, {f"a{x}": "1", f"b{x}": "1"}, 5) for x in range(10)),
        return_exceptions=True,
    )

    kept = await both[0].metadata(one.id)
    assert attached.count(True) == 2
    assert sum(isinstance(x, LimitReached) for x in attached) == 8
    assert len(kept) == 4, "all fields of a request, or none"
    known = min(kept)
    assert await both[0].attach(one.id, {known: "2", "new": "3"}, 5)
    assert await both[0].metadata(one.id) == kept | {known: "2", "new": "3"}
    assert not await both[0].attach("none", {"a": "1"}, 5)


@pytest.mark.parametrize(
    ("order", "count"),
    [
        (SearchOrder(), 3),
        (SearchOrder(from_ms=2_000), 2),
        (SearchOrder(until_ms=2_000), 2),
        (SearchOrder(organization="0004"), 0),
        (SearchOrder(any_number=("5742",)), 3),
        (SearchOrder(any_number=("%",)), 0),
        (SearchOrder(any_number=("nobody", "0003*2")), 3),
        (SearchOrder(any_name=("ADAMS",)), 3),
        (SearchOrder(any_name=("100% _bob",)), 3),
        (SearchOrder(any_name=("100_",)), 0),
        (SearchOrder(equal={"source_caller_id": "0003*210"}), 3),
        (SearchOrder(equal={"source_caller_id": "210"}), 0),
        (SearchOrder(offset=1), 2),
        (SearchOrder(limit=1), 1),
        (SearchOrder(progress=Progress.ONGOING), 1),
    ],
)
async def test_given_conversations_when_searched_then_found_as_asked(
    records: ConversationStore, order: SearchOrder, count: int
) -> None:
    for started in (3_000, 1_000, 2_000):
        await records.create(conversation(started, started + 500))
    await records.create(conversation(4_000))

    found = [x.conversation.started_ms for x in await records.search(order)]

    assert len(found) == count
    assert found == sorted(found)
    turned = await records.search(replace(order, descending=True, offset=0, limit=100))
    assert turned == sorted(turned, key=lambda x: -x.conversation.started_ms)
