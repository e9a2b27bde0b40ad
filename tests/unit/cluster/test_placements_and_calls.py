"""Where an organization, a call and a conversation are, as the database knows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.cluster.pbx_of_calls import PbxOfCalls
from bridge.cluster.placement_choice import first_pbx
from bridge.cluster.stored_placements import StoredPlacements
from bridge.faults import StorageUnavailable
from bridge.storage.cluster_tables import placements
from bridge.storage.conversation_tables import conversation_numbers, conversations
from bridge.storage.tables import call_parties, calls

from .sqlite_database import Clock, database, engine_in

PBXS = ("one", "two", "three")


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    async with database(tmp_path) as made:
        yield made


async def test_a_new_organization_is_placed_by_its_hash_and_stays(engine: AsyncEngine) -> None:
    mine = StoredPlacements(engine, PBXS, lambda: ["y", "x"])
    await mine.read()
    async with engine.connect() as connection:
        rows = {x.organization: x.pbx for x in await connection.execute(placements.select())}
    assert rows == {x: first_pbx(x, PBXS) for x in ("x", "y")}
    others = StoredPlacements(engine, [*PBXS, *(f"more{n}" for n in range(20))], lambda: ["x"])
    assert others.pbx_of_organization("x") != rows["x"]
    await others.read()
    assert others.pbx_of_organization("x") == rows["x"]


async def test_a_moved_organization_is_where_its_row_says(engine: AsyncEngine) -> None:
    mine = StoredPlacements(engine, PBXS, lambda: ["x", "y"])
    assert mine.pbx_names == PBXS
    away = next(x for x in PBXS if x != first_pbx("x", PBXS))
    async with engine.begin() as connection:
        await connection.execute(
            placements.insert(),
            [
                {"organization": "x", "pbx": away, "version": 2},
                {"organization": "y", "pbx": "not ours", "version": 1},
            ],
        )
    assert mine.pbx_of_organization("x") == first_pbx("x", PBXS)
    await mine.read()
    assert mine.pbx_of_organization("x") == away
    assert mine.pbx_of_organization("y") == first_pbx("y", PBXS)


async def test_without_the_table_the_last_answer_stays(
    engine: AsyncEngine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    empty = engine_in(tmp_path_factory.mktemp("empty"), Clock())
    with pytest.raises(StorageUnavailable, match="no such table"):
        await StoredPlacements(empty, PBXS, list).read()


def call(number: int, pbx: str, ended_ms: int | None = None) -> dict[str, object]:
    row = {"id": f"call{number}", "pbx": pbx, "origin": "api", "published_ms": number}
    return {**row, "ended_ms": ended_ms, "document": "{}"}


async def test_a_call_is_found_live_or_ended_and_an_extension_by_live_calls_alone(
    engine: AsyncEngine,
) -> None:
    found = PbxOfCalls(engine)
    async with engine.begin() as connection:
        await connection.execute(
            calls.insert(), [call(1, "one"), call(2, "two"), call(3, "three", 9)]
        )
        parties = [("210", 1), ("211", 2), ("210", 2), ("210", 3), ("212", 3)]
        await connection.execute(
            call_parties.insert(),
            [{"extension": x, "published_ms": n, "call_id": f"call{n}"} for x, n in parties],
        )
    assert await found.of_call("call1") == "one"
    assert await found.of_call("call3") == "three"
    assert await found.of_call("call4") is None
    assert await found.of_live_calls(["210"]) == {"one", "two"}
    assert await found.of_live_calls(["211", "212"]) == {"two"}
    assert await found.of_live_calls(["212"]) == frozenset()
    assert await found.of_live_calls([]) == frozenset()


def conversation(number: int, pbx: str, ended_ms: int | None) -> dict[str, object]:
    row = {x.name: "" for x in conversations.columns if not x.nullable}
    row |= {"id": f"c{number}", "call_id": f"call{number}", "pbx": pbx}
    row |= {"native_id": "same", "meeting_id": f"m{number}"}
    return {**row, "started_ms": number, "ended_ms": ended_ms, "measured": 0, "protected": 0}


async def test_a_conversation_is_found_by_its_ids_and_by_its_numbers(engine: AsyncEngine) -> None:
    found = PbxOfCalls(engine)
    made = [
        conversation(1, "one", 50),  # begun first, ended last
        conversation(2, "two", 40),
        conversation(3, "three", None),
        conversation(4, "one", None),
    ]
    async with engine.begin() as connection:
        await connection.execute(conversations.insert(), made)
        numbers = [("210", 1), ("210", 2), ("210", 3), ("211", 4)]
        await connection.execute(
            conversation_numbers.insert(),
            [{"number": x, "conversation_id": f"c{n}"} for x, n in numbers],
        )
    assert await found.of_conversation("native_id", "same") == set(PBXS)
    assert await found.of_conversation("meeting_id", "m2") == {"two"}
    assert await found.of_conversation("meeting_id", "m9") == frozenset()
    assert await found.of_newest_conversation(["210"], ongoing=False) == "one"
    assert await found.of_newest_conversation(["210"], ongoing=True) == "three"
    assert await found.of_newest_conversation(["210", "211"], ongoing=True) == "one"
    assert await found.of_newest_conversation(["211"], ongoing=False) is None
