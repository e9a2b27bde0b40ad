"""Charts of ended calls: how many by outcome, how fast they were answered, how many at a time.

Pure. Moments are in ms since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

OUTCOMES = ("answered", "busy", "failed", "no answer", "unknown", "not allowed")
"""By their numbers in the API (`disposition`)."""


@dataclass(frozen=True, slots=True)
class EndedMoments:
    """When a call began, was answered (None: never) and ended, and its disposition."""

    published_ms: int
    answered_ms: int | None
    ended_ms: int
    disposition: int


@dataclass(frozen=True, slots=True)
class CallChart:
    """One value for each interval of `interval_ms` from `from_ms` on.

    `calls`: those that began in it, by outcome. `answer_ms`: median and 95th percentile of the time
    to answer, None where none was answered. `concurrent`: the most at a time within it.
    """

    from_ms: int
    interval_ms: int
    calls: dict[str, list[int]]
    answer_ms: dict[str, list[int | None]]
    concurrent: list[int]


def call_chart(
    moments: Sequence[EndedMoments], from_ms: int, interval_ms: int, intervals: int
) -> CallChart:
    """The chart of the calls that began in that time; the others do not count."""
    until_ms = from_ms + interval_ms * intervals
    known = [x for x in moments if from_ms <= x.published_ms < until_ms]
    calls = {name: [0] * intervals for name in OUTCOMES}
    waits: list[list[int]] = [[] for _ in range(intervals)]
    for one in known:
        place = (one.published_ms - from_ms) // interval_ms
        calls[_outcome(one.disposition)][place] += 1
        if one.answered_ms is not None:
            waits[place].append(max(0, one.answered_ms - one.published_ms))
    answer_ms = {
        "median": [_percentile(x, 50) for x in waits],
        "p95": [_percentile(x, 95) for x in waits],
    }
    concurrent = _concurrent(known, from_ms, interval_ms, intervals)
    return CallChart(from_ms, interval_ms, calls, answer_ms, concurrent)


def _outcome(disposition: int) -> str:
    return OUTCOMES[disposition] if 0 <= disposition < len(OUTCOMES) else "unknown"


def _percentile(values: list[int], percent: int) -> int | None:
    """The nearest rank: a value that was measured."""
    if not values:
        return None
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, rank - 1)]


def _concurrent(
    known: Iterable[EndedMoments], from_ms: int, interval_ms: int, intervals: int
) -> list[int]:
    """A call that ends at the moment when another begins is not counted beside it."""
    steps = [(x.ended_ms, -1) for x in known] + [(x.published_ms, 1) for x in known]
    most, live, place = [0] * intervals, 0, 0
    for at_ms, step in sorted(steps):
        now = min(max((at_ms - from_ms) // interval_ms, 0), intervals - 1)
        while place < now:
            place += 1
            most[place] = live
        live += step
        most[place] = max(most[place], live)
    for rest in range(place + 1, intervals):
        most[rest] = live
    return most
