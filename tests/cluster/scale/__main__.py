"""Measure what several instances and PBXs cost, and print the tables: `make scale`.

Half an hour, or with `--short` a minute that says nothing about times.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.bench.fence_cost import private_postgresql
from tests.bench.generated_calls import record_call
from tests.bench.machine import describe
from tests.bench.plan import Plan as BenchPlan
from tests.bench.stage import open_stage

from . import calls_by_size, guard_and_forward, many_phones
from .plan import SHORT, Plan

CONNECTIONS_MAX = 400
"""Twenty instances run at the same time, and each may open ten and more."""

PARTS = ("sizes", "guard", "large")


async def measured(folder: Path, plan: Plan, parts: tuple[str, ...] = PARTS) -> list[str]:
    """The tables, each as Markdown."""
    async with open_stage(folder / "stage") as stage:
        template = await record_call(stage)
    tables = []
    with private_postgresql(CONNECTIONS_MAX) as server:
        if "sizes" in parts:
            rounds = await calls_by_size.calls_by_size(folder / "sizes", server, template, plan)
            tables.append(calls_by_size.told(rounds))
        if "guard" in parts:
            tables.append(
                guard_and_forward.told(
                    await guard_and_forward.guard(folder / "guard", server, template, plan),
                    await guard_and_forward.forward(server, plan),
                )
            )
        if "large" in parts:
            found = await many_phones.many_phones(folder / "large", server, template, plan)
            tables.append(many_phones.told(found))
    return tables


async def _conditions() -> str:
    told = await describe(BenchPlan())
    machine, versions = told["machine"], told["versions"]
    assert isinstance(machine, dict)
    assert isinstance(versions, dict)
    kept = {x: versions[x] for x in ("python", "asterisk", "sqlalchemy")}
    return ", ".join(f"{name} {value}" for name, value in (machine | kept).items())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.scale", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a minute instead of half an hour")
    parser.add_argument("--rounds", type=int, help=f"of each measure; default {Plan().rounds}")
    parser.add_argument("--phones", type=int, help=f"default {Plan().phones:,}")
    parser.add_argument("--only", choices=PARTS, help="one of the tables")
    arguments = parser.parse_args()
    plan = SHORT if arguments.short else Plan()
    if arguments.rounds:
        plan = replace(plan, rounds=arguments.rounds, large_rounds=arguments.rounds)
    if arguments.phones:
        plan = replace(plan, phones=arguments.phones)
    parts = (arguments.only,) if arguments.only else PARTS

    async def run() -> None:
        conditions = await _conditions()
        with tempfile.TemporaryDirectory(prefix="scale-") as folder:
            tables = await measured(Path(folder), plan, parts)
        print("\n\n".join(tables))  # noqa: T201 - the tables are what it is for
        print(f"\n{conditions}, load after {os.getloadavg()[0]:.1f}")  # noqa: T201

    asyncio.run(run())


if __name__ == "__main__":
    main()
