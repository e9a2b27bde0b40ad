"""A chaos run sees what is doubled."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.chaos.app import Ordered
from tests.chaos.run import doubled

ORDERED = [Ordered("1000001", "a"), Ordered("1000002", "b"), Ordered("1000003")]


def test_given_calls_that_came_once_when_they_are_compared_then_nothing_is_wrong() -> None:
    # The event of c: its POST was answered with 503, and it talked to nobody.
    told, rung = Counter("abc"), Counter(["1000001", "1000002"])

    assert doubled(ORDERED, told, rung, {"a", "b"}) == []


@pytest.mark.parametrize(
    ("told", "rung", "talked", "wrong"),
    [
        ("aab", [], "a", "1 calls have two hang-up events: ['a']"),
        ("abc", [], "ac", "1 calls talked and have no order: ['c']"),
        ("ab", ["1000001", "1000001"], "", "1 calls rang the source twice: ['1000001']"),
        ("ab", ["1000003"], "", "1 calls rang that were not accepted: ['1000003']"),
    ],
)
def test_given_something_doubled_when_it_is_compared_then_it_is_named(
    told: str, rung: list[str], talked: str, wrong: str
) -> None:
    assert doubled(ORDERED, Counter(told), Counter(rung), set(talked)) == [wrong]


def test_given_one_id_for_two_orders_when_they_are_compared_then_it_is_named() -> None:
    ordered = [*ORDERED, Ordered("1000004", "b")]

    assert doubled(ordered, Counter("ab"), Counter(), set()) == ["1 orders share an id: ['b']"]
