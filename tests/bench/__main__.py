"""`make bench`: measure, print the table, write build/bench.json and the pictures beside it."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .concurrency import concurrency
from .event_lag import event_lag, event_lag_measure
from .figures import Measure
from .full_calls import API, call_measures, cpu_by_path, full_calls
from .generated_calls import record_call
from .listeners import listener_measures, listeners
from .machine import describe
from .many_calls import many_calls, many_calls_measures
from .page import numbers, write_pictures
from .plan import SHORT, Plan
from .progress import progress
from .report import summary
from .results import Results
from .resync import resync, resync_measure
from .stage import open_stage, previous_configuration
from .start_up import start_up, start_up_measure
from .steady_load import steady_load, steady_load_measures
from .webhooks import webhooks, webhooks_measure

BUILD = Path("build")


async def measure_all(
    folder: Path, plan: Plan, conditions: Mapping[str, Mapping[str, Any]]
) -> Results:
    """Every measure of the table, in its order; each is also told as soon as it is known."""
    rows: list[Measure] = []

    def add(*measures: Measure) -> None:
        rows.extend(measures)
        for one in measures:
            progress(summary(one))

    async with open_stage(folder / "stage") as stage:
        async with open_stage(folder / "old", previous_configuration(folder)) as previous:
            rounds = await full_calls(stage, previous, plan)
        add(*call_measures(rounds, plan.at_once))
        points = await concurrency(stage, plan)
        template = await record_call(stage)
        resynced = resync_measure(*await resync(stage, plan), plan)
    add(*steady_load_measures(await steady_load(folder, template, plan)))
    full_rate = statistics.median(x.at_once[API].per_second for x in rounds)
    add(event_lag_measure(await event_lag(folder, template, plan, full_rate)))
    add(*many_calls_measures(await many_calls(folder, template, plan), plan))
    add(resynced)
    add(webhooks_measure(*await webhooks(folder, template, plan)))
    add(*listener_measures(*await listeners(folder, template, plan), plan))
    add(start_up_measure(*await start_up(folder / "start", plan)))
    return Results(rows, cpu_by_path(rounds), points, template.count, conditions)


def _say(text: str) -> None:
    print(text)  # noqa: T201 - the table is what it is for


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--short", action="store_true", help="seconds instead of minutes")
    parser.add_argument("--into", type=Path, default=BUILD, help="folder of the results")
    parser.add_argument("--rounds", type=int, help=f"of every measure; default {Plan().rounds}")
    arguments = parser.parse_args()
    plan = SHORT if arguments.short else Plan()
    if arguments.rounds:
        plan = plan.with_rounds(arguments.rounds)

    async def run() -> Results:
        conditions = await describe(plan)
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            return await measure_all(Path(folder), plan, conditions)

    results = asyncio.run(run())
    results.write(arguments.into)
    write_pictures(arguments.into, results)
    _say(numbers(results))


if __name__ == "__main__":
    main()
