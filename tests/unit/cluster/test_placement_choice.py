"""Which organizations leave a PBX, and where they go."""

from __future__ import annotations

import pytest

from bridge.cluster.placement_choice import (
    DOWN_S,
    SETTLED_S,
    PbxCondition,
    PbxState,
    first_pbx,
    moves,
    names_for_new,
)

READY, STARTING = PbxCondition.READY, PbxCondition.STARTING
DOWN, UNKNOWN = PbxCondition.DOWN, PbxCondition.UNKNOWN
PLACED = {f"org{n}": "one" if n % 2 else "two" for n in range(40)}
ON_ONE = {x for x, y in PLACED.items() if y == "one"}


def pbx(
    name: str, condition: PbxCondition = READY, for_s: float = 3600, *, draining: bool = False
) -> PbxState:
    return PbxState(name, condition, for_s, draining)


def test_while_all_work_nothing_moves() -> None:
    assert moves(PLACED, [pbx("one"), pbx("two"), pbx("three", for_s=0)]) == {}


def test_the_organizations_of_a_dead_pbx_and_no_others_move_to_those_that_work() -> None:
    states = [pbx("one", DOWN, DOWN_S), pbx("two"), pbx("three")]
    moved = moves(PLACED, states)
    assert set(moved) == ON_ONE
    assert moved == {x: first_pbx(x, ["two", "three"]) for x in ON_ONE}
    assert set(moved.values()) == {"two", "three"}


@pytest.mark.parametrize(
    "state",
    [
        pbx("one", DOWN, DOWN_S - 0.1),
        pbx("one", STARTING, 900),
        pbx("one", UNKNOWN, 900),  # its holder is dead, or without the database
    ],
)
def test_a_pbx_that_may_work_keeps_its_organizations(state: PbxState) -> None:
    assert moves(PLACED, [state, pbx("two")]) == {}


@pytest.mark.parametrize(
    "other",
    [
        pbx("two", DOWN, 60),
        pbx("two", UNKNOWN, 60),
        pbx("two", STARTING, 60),
        pbx("two", READY, SETTLED_S - 0.1),  # it may go again
        pbx("two", draining=True),
    ],
)
def test_without_a_pbx_that_surely_works_nothing_moves(other: PbxState) -> None:
    assert moves(PLACED, [pbx("one", DOWN, 60), other]) == {}
    assert moves(PLACED, [pbx("one", draining=True), other]) == {}


def test_a_draining_pbx_is_left_whatever_it_does() -> None:
    for condition in PbxCondition:
        moved = moves(PLACED, [pbx("one", condition, 0, draining=True), pbx("two")])
        assert moved == dict.fromkeys(ON_ONE, "two")


def test_a_pbx_that_comes_and_goes_loses_its_organizations_once_and_gets_none() -> None:
    placed, moved = dict(PLACED), 0
    for second in range(600):  # 6 s away, 6 s there
        phase = second % 12
        one = pbx("one", DOWN, phase) if phase < 6 else pbx("one", READY, phase - 6)
        found = moves(placed, [one, pbx("two")])
        moved += len(found)
        placed |= found
    assert moved == len(ON_ONE)
    assert set(placed.values()) == {"two"}


def test_a_new_organization_is_placed_where_organizations_stay() -> None:
    states = [pbx("one"), pbx("two", DOWN, 60), pbx("three", draining=True), pbx("four", UNKNOWN)]
    assert names_for_new(states) == ["one", "four"]
    assert names_for_new([pbx("one", draining=True), pbx("two", DOWN, 60)]) == ["one", "two"]


def test_one_more_pbx_moves_only_its_share() -> None:
    names, pbxs = [f"org{n}" for n in range(300)], ("one", "two", "three")
    before = {x: first_pbx(x, pbxs) for x in names}
    after = {x: first_pbx(x, [*pbxs, "four"]) for x in names}
    moved = [x for x in names if before[x] != after[x]]
    assert {after[x] for x in moved} == {"four"}
    assert 40 < len(moved) < 110
    assert set(before.values()) == set(pbxs)
