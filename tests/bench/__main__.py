"""`make bench`: measure, print the table, write build/bench.json and build/bench.svg."""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from .event_lag import event_lag, event_lag_measure
from .figures import Measure
from .full_calls import API, call_measures, full_calls
from .generated_calls import record_call
from .machine import describe
from .many_calls import many_calls, many_calls_measures
from .plan import SHORT, Plan
from .plot import plot
from .report import table
from .resync import resync, resync_measure
from .stage import open_stage
from .start_up import start_up, start_up_measure
from .webhooks import webhooks, webhooks_measure

BUILD = Path("build")


async def measure_all(folder: Path, plan: Plan) -> list[Measure]:
    """Every measure of the table, in its order."""
    async with open_stage(folder / "stage") as stage:
        rounds = await full_calls(stage, plan)
        template = await record_call(stage)
        resynced = resync_measure(*await resync(stage, plan), plan)
    full_rate = sorted(x.at_once[API].per_second for x in rounds)[len(rounds) // 2]
    lags = await event_lag(folder, template, plan, full_rate)
    many = await many_calls(folder, template, plan)
    delivered = await webhooks(folder, template, plan)
    started = await start_up(folder / "start", plan)
    return [
        *call_measures(rounds, plan.at_once),
        event_lag_measure(lags),
        *many_calls_measures(many, plan),
        resynced,
        webhooks_measure(*delivered),
        start_up_measure(*started),
    ]


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
    arguments = parser.parse_args()
    plan = SHORT if arguments.short else Plan()

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
