"""The same calls, few and many at once: calls per second, and how long a POST waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .figures import Figure, percentile
from .full_calls import AMI, API, BEHIND_WALL, Run, make, opened_path
from .plan import Plan
from .progress import progress
from .stage import Stage

PATHS = (API, BEHIND_WALL, AMI)


@dataclass(frozen=True, slots=True)
class Point:
    """Of one path with so many calls at once. Times in ms, of raw AMI those of the Originate."""

    path: str
    at_once: int
    per_second: Figure
    post_p50_ms: Figure
    post_p99_ms: Figure


async def concurrency(stage: Stage, plan: Plan) -> list[Point]:
    """Each round takes every path once, from few to many calls at once."""
    runs: dict[tuple[str, int], list[Run]] = {}
    for number in range(plan.concurrency_rounds):
        for place in range(len(PATHS)):
            path = PATHS[(number + place) % len(PATHS)]
            progress(f"concurrency, round {number + 1} of {plan.concurrency_rounds}: {path}")
            async with opened_path(path, stage) as (opened, service):
                await make(opened, stage, service, plan.warm_up_calls, plan.at_once)
                for at_once in plan.concurrency:
                    calls = max(at_once, plan.concurrency_calls)
                    run = await make(opened, stage, service, calls, at_once)
                    runs.setdefault((path, at_once), []).append(run)
    return [_point(path, at_once, runs[path, at_once]) for path, at_once in sorted(runs)]


def _point(path: str, at_once: int, runs: Sequence[Run]) -> Point:
    p50, p99 = ([percentile(x.accepted_ms, percent) for x in runs] for percent in (50, 99))
    rates = [x.per_second for x in runs]
    return Point(path, at_once, Figure.of(rates), Figure.of(p50), Figure.of(p99))
