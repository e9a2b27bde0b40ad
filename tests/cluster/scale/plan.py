"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """`calls_per_s`: of a whole cluster, whatever its size. `sizes`: PBXs and instances of each.

    `forwards`: requests of each kind. `large`: PBXs of the clusters with many phones, with
    `calls` live on each PBX and `phones` in all, in organizations of `phones_each`.
    """

    rounds: int = 5
    sizes: tuple[tuple[int, int], ...] = tuple((x, y) for x in (1, 2, 3) for y in (1, 2, 3))
    calls_per_s: float = 60
    seconds: float = 5.0
    idle_s: float = 5.0
    forwards: int = 1_000
    large: tuple[int, ...] = (1, 10)
    large_rounds: int = 3
    calls: int = 1_000
    phones: int = 100_000
    phones_each: int = 1_000
    lists: int = 200


SHORT = Plan(
    rounds=1,
    sizes=((1, 1), (2, 2)),
    calls_per_s=20,
    seconds=0.5,
    idle_s=0.2,
    forwards=5,
    large=(3,),
    large_rounds=1,
    calls=20,
    phones=600,
    phones_each=100,
    lists=3,
)
"""Says nothing about times; shows that everything is counted right."""
