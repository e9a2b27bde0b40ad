"""Numbers of several rounds: medians, spreads, percentiles."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of the rounds, with the lowest and the highest of them."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, rounds: Sequence[float]) -> Figure:
        return cls(statistics.median(rounds), min(rounds), max(rounds))


def percentile(values: Sequence[float], percent: float) -> float:
    """Of the values, the one that `percent` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


@dataclass(frozen=True, slots=True)
class Measure:
    """One row of the table.

    `target` bounds `judged`, which is a ratio, a difference or the value itself, as `judged_as`
    says: "ratio", "difference", "value". `at_least` tells in which direction it bounds. None: the
    row is there to be read beside another.
    """

    name: str
    unit: str
    value: Figure
    against: str
    reference: Figure | None
    judged_as: str
    judged: Figure
    target: float | None
    at_least: bool = False

    @property
    def reached(self) -> bool | None:
        if self.target is None:
            return None
        median = self.judged.median
        return median >= self.target if self.at_least else median <= self.target


def ratio(
    name: str,
    unit: str,
    values: Sequence[float],
    against: str,
    references: Sequence[float],
    target: float | None,
    *,
    at_least: bool = False,
) -> Measure:
    """The ratio is taken within each round, so that what disturbs a round disturbs both sides."""
    ratios = [mine / theirs for mine, theirs in zip(values, references, strict=True)]
    return Measure(
        name,
        unit,
        Figure.of(values),
        against,
        Figure.of(references),
        "ratio",
        Figure.of(ratios),
        target,
        at_least,
    )


def difference(
    name: str,
    unit: str,
    values: Sequence[float],
    against: str,
    references: Sequence[float],
    target: float,
) -> Measure:
    more = [mine - theirs for mine, theirs in zip(values, references, strict=True)]
    return Measure(
        name,
        unit,
        Figure.of(values),
        against,
        Figure.of(references),
        "difference",
        Figure.of(more),
        target,
    )


def value(
    name: str,
    unit: str,
    values: Sequence[float],
    target: float,
    against: str = "-",
    references: Sequence[float] | None = None,
) -> Measure:
    """The value itself is judged; `references` are shown beside it."""
    figure = Figure.of(values)
    reference = Figure.of(references) if references is not None else None
    return Measure(name, unit, figure, against, reference, "value", figure, target)
