"""`make bench`: measure, print the table, write build/bench.json and build/bench.svg."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from .event_lag import event_lag, event_lag_measure
from .figures import Measure
from .full_calls import API, call_measures, full_calls
from .generated_calls import record_call
from .listeners import listener_measures, listeners
from .machine import describe
from .many_calls import many_calls, many_calls_measures
from .plan import SHORT, Plan
from .plot import plot
from .progress import progress
from .report import summary, table
from .resync import resync, resync_measure
from .stage import open_stage
from .start_up import start_up, start_up_measure
from .steady_load import steady_load, steady_load_measures
from .webhooks import webhooks, webhooks_measure

BUILD = Path("build")


async def measure_all(folder: Path, plan: Plan) -> list[Measure]:
    """Every measure of the table, in its order; each is also told as soon as it is known."""
    rows: list[Measure] = []

    def add(*measures: Measure) -> None:
        rows.extend(measures)
        for one in measures:
            progress(summary(one))

    async with open_stage(folder / "stage") as stage:
        rounds = await full_calls(stage, plan)
        add(*call_measures(rounds, plan.at_once))
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
    return rows


def write_results(into: Path, measures: Sequence[Measure], conditions: dict[str, object]) -> None:
    into.mkdir(parents=True, exist_ok=True)
    rows = [{**asdict(x), "reached": x.reached} for x in measures]
    text = json.dumps({**conditions, "measures": rows}, indent=2, ensure_ascii=False)
    (into / "bench.json").write_text(text + "\n")
    (into / "bench.svg").write_text(plot(measures))


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

    async def run() -> tuple[list[Measure], dict[str, object]]:
        conditions = await describe(plan)
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            return await measure_all(Path(folder), plan), conditions

    measures, conditions = asyncio.run(run())
    write_results(arguments.into, measures, conditions)
    _say(table(measures))
    _say("")
    for name, values in conditions.items():
        assert isinstance(values, dict)
        _say(f"{name}: " + ", ".join(f"{key} {value}" for key, value in values.items()))


if __name__ == "__main__":
    main()
