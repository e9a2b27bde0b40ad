"""Charts of ended calls: intervals, percentiles, and how many lived at a time."""

from __future__ import annotations

import pytest

from bridge.calls.call_chart import CallChart, EndedMoments, call_chart

BEGIN, MINUTE = 1_000_000, 60_000


def chart(*moments: tuple[int, int | None, int, int]) -> CallChart:
    """Three minutes. Each call: began, answered, ended after BEGIN, and its disposition."""
    known = [
        EndedMoments(BEGIN + a, None if b is None else BEGIN + b, BEGIN + c, d)
        for a, b, c, d in moments
    ]
    return call_chart(known, BEGIN, MINUTE, 3)


def test_given_no_call_then_all_is_zero() -> None:
    empty = chart()
    assert set(map(tuple, empty.calls.values())) == {(0, 0, 0)}
    assert empty.answer_ms == {"median": [None] * 3, "p95": [None] * 3}
    assert empty.concurrent == [0, 0, 0]


def test_given_calls_then_each_counts_where_it_began_by_outcome() -> None:
    found = chart(
        (0, 500, 1_000, 0), (59_999, None, 70_000, 1), (60_000, None, 61_000, 3), (1, None, 2, 99)
    )
    assert found.calls["answered"] == [1, 0, 0]
    assert found.calls["busy"] == [1, 0, 0]
    assert found.calls["no answer"] == [0, 1, 0]
    assert found.calls["unknown"] == [1, 0, 0]


def test_given_calls_outside_the_time_then_they_do_not_count() -> None:
    found = chart((-1, 5, 10, 0), (3 * MINUTE, None, 4 * MINUTE, 0))
    assert sum(map(sum, found.calls.values())) == 0
    assert found.concurrent == [0, 0, 0]


@pytest.mark.parametrize(
    ("waits", "median", "p95"),
    [([7], 7, 7), ([1, 9], 1, 9), ([3, 1, 2], 2, 3), (list(range(1, 101)), 50, 95)],
)
def test_given_answers_then_the_percentiles_are_measured_values(
    waits: list[int], median: int, p95: int
) -> None:
    found = chart(*((0, x, 1_000, 0) for x in waits))
    assert found.answer_ms["median"][0] == median
    assert found.answer_ms["p95"][0] == p95


def test_given_calls_at_a_time_then_the_most_of_each_interval_counts() -> None:
    found = chart(
        (0, 1, 130_000, 0),  # over all three
        (10_000, 1, 20_000, 0),
        (15_000, 1, 70_000, 0),  # into the second
        (70_000, 1, 80_000, 0),  # begins as that ends
    )
    assert found.concurrent == [3, 2, 1]


def test_given_a_call_that_lasts_longer_than_the_chart_then_it_lives_to_its_end() -> None:
    assert chart((MINUTE, 1, 99 * MINUTE, 0)).concurrent == [0, 1, 1]
