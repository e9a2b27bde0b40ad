"""What holders say of their PBXs, and what becomes of the rows of organizations."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.cluster.calls_away import CallsAway
from bridge.cluster.pbx_reports import HeldPbx, PbxReports
from bridge.cluster.pbx_states import (
    TOLD_WITHIN_S,
    ToldState,
    read_states,
    seen_ms,
    set_draining,
    tell,
)
from bridge.cluster.placement_choice import PbxCondition, PbxState, first_pbx
from bridge.cluster.placement_moves import PlacementMoves
from bridge.cluster.stored_placements import StoredPlacements
from bridge.storage.cluster_tables import pbx_states, placements, shared_changes
from bridge.storage.shared_changes import PLACEMENTS
from bridge.storage.tables import calls

from .sqlite_database import Clock, database

READY, DOWN, UNKNOWN = PbxCondition.READY, PbxCondition.DOWN, PbxCondition.UNKNOWN
PBXS = ("one", "two")
ON_ONE = [x for x in (f"org{n}" for n in range(20)) if first_pbx(x, PBXS) == "one"]
ON_TWO = [x for x in (f"org{n}" for n in range(20)) if first_pbx(x, PBXS) == "two"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def engine(tmp_path: Path, clock: Clock) -> AsyncIterator[AsyncEngine]:
    async with database(tmp_path, clock) as made:
        yield made


async def states(engine: AsyncEngine) -> list[PbxState]:
    async with engine.connect() as connection:
        return await read_states(connection, PBXS)


async def drain(engine: AsyncEngine, pbx: str, draining: bool) -> None:
    async with engine.begin() as connection:
        await set_draining(connection, pbx, draining)


async def placed(engine: AsyncEngine) -> dict[str, str]:
    async with engine.connect() as connection:
        return {x.organization: x.pbx for x in await connection.execute(select(placements))}


def told(pbx: str, condition: PbxCondition, for_s: float, epoch: int = 1) -> ToldState:
    return ToldState(pbx, epoch, condition, for_s)


async def test_what_was_said_counts_for_a_while(engine: AsyncEngine, clock: Clock) -> None:
    assert await states(engine) == [PbxState(x, UNKNOWN, 0) for x in PBXS]
    await tell(engine, [told("one", READY, 5), told("two", DOWN, 3)])
    assert await states(engine) == [PbxState("one", READY, 5), PbxState("two", DOWN, 3)]
    clock.now_s += int(TOLD_WITHIN_S) + 1
    assert {x.condition for x in await states(engine)} == {UNKNOWN}


async def test_until_when_a_pbx_was_there_is_what_the_last_holder_said(
    engine: AsyncEngine, clock: Clock
) -> None:
    assert await seen_ms(engine, "one") == 0
    await drain(engine, "one", True)
    assert await seen_ms(engine, "one") == 0
    await tell(engine, [told("one", READY, 60)])
    ready_ms = await seen_ms(engine, "one")
    assert ready_ms == clock.now_s * 1000
    clock.now_s += 30  # nobody says anything more
    assert await seen_ms(engine, "one") == ready_ms
    await tell(engine, [told("one", DOWN, 10)])
    assert await seen_ms(engine, "one") == ready_ms + 20_000
    clock.now_s += 10
    await tell(engine, [told("one", DOWN, 0, epoch=2)])  # another holder
    assert await seen_ms(engine, "one") == ready_ms + 20_000


async def test_a_condition_that_goes_on_is_as_old_as_it_was(
    engine: AsyncEngine, clock: Clock
) -> None:
    await tell(engine, [told("one", READY, 60)])
    clock.now_s += 2
    await tell(engine, [told("one", READY, 0, epoch=2)])  # another holder
    assert (await states(engine))[0] == PbxState("one", READY, 62)
    await tell(engine, [told("one", DOWN, 1, epoch=2)])
    assert (await states(engine))[0] == PbxState("one", DOWN, 1)
    clock.now_s -= 3600  # it was set back
    await tell(engine, [told("one", DOWN, 2, epoch=2)])
    assert (await states(engine))[0] == PbxState("one", DOWN, 2)


async def test_a_condition_is_not_as_old_as_a_word_of_yesterday(
    engine: AsyncEngine, clock: Clock
) -> None:
    """All instances were stopped meanwhile, and the first one is back."""
    await tell(engine, [told("one", DOWN, 60), told("two", READY, 60)])
    clock.now_s += 3600
    await tell(engine, [told("one", DOWN, 2, epoch=2), told("two", READY, 0, epoch=2)])
    assert await states(engine) == [PbxState("one", DOWN, 2), PbxState("two", READY, 0)]


async def test_who_has_just_got_a_pbx_does_not_say_that_it_is_down(engine: AsyncEngine) -> None:
    await tell(engine, [told("one", DOWN, 3)])
    held = {"one": HeldPbx(2, DOWN, 0.5)}
    now_s = 100.0
    reports = PbxReports(engine, lambda: held, lambda: now_s)
    await reports.look()
    held["one"] = HeldPbx(2, READY, 0)
    await reports.look()
    assert (await states(engine))[0] == PbxState("one", READY, 0)
    held["one"] = HeldPbx(2, DOWN, 0.5)  # it had a session meanwhile
    await reports.look()
    assert (await states(engine))[0].condition is DOWN
    held["one"] = HeldPbx(3, DOWN, 1.9)
    await reports.look()
    async with engine.connect() as connection:
        assert (await connection.execute(select(pbx_states.c.epoch))).scalar_one() == 2
    now_s, held["one"] = 101.0, HeldPbx(3, DOWN, 2)
    await reports.look()
    async with engine.connect() as connection:
        assert (await connection.execute(select(pbx_states.c.epoch))).scalar_one() == 3


async def test_a_holder_of_before_says_nothing_any_more(engine: AsyncEngine) -> None:
    await tell(engine, [told("one", READY, 60, epoch=2)])
    await tell(engine, [told("one", DOWN, 60, epoch=1)])
    assert (await states(engine))[0].condition is READY


async def test_draining_is_not_changed_by_what_the_holder_says(engine: AsyncEngine) -> None:
    await drain(engine, "one", True)
    await tell(engine, [told("one", READY, 60)])
    assert (await states(engine))[0] == PbxState("one", READY, 60, draining=True)
    await drain(engine, "one", False)
    assert (await states(engine))[0] == PbxState("one", READY, 60)


class Moving:
    """Two instances: `a` has the job, and both read where organizations are."""

    def __init__(self, engine: AsyncEngine, *, from_dead: bool = True) -> None:
        self.engine = engine
        self.mine = True
        self.told = 0
        self.a = StoredPlacements(engine, PBXS, lambda: [*ON_ONE, *ON_TWO])
        self.b = StoredPlacements(engine, PBXS, lambda: [*ON_ONE, *ON_TWO])
        self.moves = PlacementMoves(
            engine, PBXS, lambda: self.mine, self._tell, from_dead=from_dead
        )

    def _tell(self) -> None:
        self.told += 1

    async def look(self) -> dict[str, str]:
        await self.moves.look()
        await self.a.read()
        await self.b.read()
        found = {x: self.a.pbx_of_organization(x) for x in (*ON_ONE, *ON_TWO)}
        assert found == {x: self.b.pbx_of_organization(x) for x in found}
        assert found == await placed(self.engine)
        return found


async def test_a_dead_pbx_is_left_at_all_instances_and_nothing_goes_back(
    engine: AsyncEngine,
) -> None:
    moving = Moving(engine)
    new_pbxs: list[frozenset[str]] = []
    moving.b.at_move(new_pbxs.append)
    await tell(engine, [told("one", READY, 60), told("two", READY, 60)])
    assert await moving.look() == dict.fromkeys(ON_ONE, "one") | dict.fromkeys(ON_TWO, "two")
    await tell(engine, [told("one", DOWN, 60)])
    moving.mine = False
    assert (await moving.look())[ON_ONE[0]] == "one"
    moving.mine = True
    assert set((await moving.look()).values()) == {"two"}
    assert (new_pbxs, moving.told) == ([frozenset({"two"})], 1)
    async with engine.connect() as connection:
        [change] = await connection.execute(select(shared_changes))
        versions = await connection.execute(select(placements.c.version))
        assert sorted(x.version for x in versions) == [1] * len(ON_TWO) + [2] * len(ON_ONE)
    assert change.kind == PLACEMENTS
    await tell(engine, [told("one", READY, 60)])
    assert set((await moving.look()).values()) == {"two"}
    assert moving.told == 1


async def test_without_an_edge_a_dead_pbx_keeps_its_organizations_and_a_draining_one_does_not(
    engine: AsyncEngine,
) -> None:
    moving = Moving(engine, from_dead=False)
    await moving.look()
    await tell(engine, [told("one", DOWN, 60), told("two", READY, 60)])
    assert (await moving.look())[ON_ONE[0]] == "one"
    await drain(engine, "one", True)
    assert set((await moving.look()).values()) == {"two"}


async def test_new_organizations_go_where_organizations_stay(engine: AsyncEngine) -> None:
    await drain(engine, "one", True)
    moving = Moving(engine)
    await moving.a.read()
    assert set((await placed(engine)).values()) == {"two"}


async def test_a_report_is_written_at_a_change_and_each_second(
    engine: AsyncEngine, clock: Clock
) -> None:
    held: Mapping[str, HeldPbx] = {}
    now_s = 100.0
    reports = PbxReports(engine, lambda: held, lambda: now_s)
    await reports.look()
    assert clock.read == 0
    held = {"one": HeldPbx(1, READY, 0)}
    await reports.look()
    now_s += 0.5
    await reports.look()
    assert clock.read == 1
    now_s += 0.5
    await reports.look()
    assert clock.read == 2
    held = {"one": HeldPbx(1, DOWN, 3)}  # it was silent for 3 s
    await reports.look()
    assert (await states(engine))[0] == PbxState("one", DOWN, 3)
    now_s, clock.now_s = now_s + 2, clock.now_s + 2
    held = {"one": HeldPbx(1, DOWN, 9)}
    await reports.look()
    assert (await states(engine))[0] == PbxState("one", DOWN, 5)


async def test_calls_that_stayed_behind_count_until_they_end_or_their_pbx_is_down(
    engine: AsyncEngine,
) -> None:
    away = CallsAway()
    mine = StoredPlacements(engine, PBXS, lambda: ON_ONE[:1], away)
    rows = [
        {
            "id": f"call{n}",
            "pbx": pbx,
            "origin": "api",
            "published_ms": n,
            "document": "{}",
            "organization": ON_ONE[0],
            "extension": extension,
            "user_id": 12,
        }
        for n, (pbx, extension) in enumerate([("one", "210"), ("one", "211"), ("two", "210")])
    ]
    async with engine.begin() as connection:
        await connection.execute(calls.insert(), rows)
    await mine.read()
    assert (away.of_extension("210", "one"), away.of_user(12, "one")) == (1, 1)
    await drain(engine, "one", True)
    await tell(engine, [told("one", READY, 60), told("two", READY, 60)])
    await PlacementMoves(engine, PBXS, lambda: True, lambda: None, from_dead=True).look()
    await mine.read()
    assert away.of_extension("210", "two") == 1
    assert away.of_user(12, "two") == 2
    await tell(engine, [told("one", DOWN, 0)])
    await mine.read()
    assert away.of_user(12, "two") == 0
    await tell(engine, [told("one", READY, 0)])
    async with engine.begin() as connection:
        await connection.execute(calls.update().where(calls.c.id == "call0").values(ended_ms=9))
    await mine.read()
    assert (away.of_extension("210", "two"), away.of_user(12, "two")) == (0, 1)


async def test_a_call_that_comes_to_the_former_pbx_after_a_move_counts(engine: AsyncEngine) -> None:
    """An instance had not heard of the move."""
    away = CallsAway()
    mine = StoredPlacements(engine, PBXS, lambda: ON_ONE[:1], away)
    await mine.read()
    await mine.read()
    async with engine.begin() as connection:
        await connection.execute(placements.update().values(pbx="two"))
    await mine.read()
    row = {
        "id": "late",
        "pbx": "one",
        "origin": "api",
        "published_ms": 1,
        "document": "{}",
        "organization": ON_ONE[0],
        "extension": "210",
        "user_id": 12,
    }
    async with engine.begin() as connection:
        await connection.execute(calls.insert(), row)
    await mine.read()
    assert away.of_extension("210", "two") == 1
