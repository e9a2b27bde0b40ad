"""Run by hand: `python -m tests.cluster.soak --minutes 30`. It ends with 1 if anything is wrong."""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from tests.bench.generated_calls import record_call
from tests.bench.stage import open_stage
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .faults import Fault, Faults
from .running import Outcome, open_soaked, soak
from .scripted_upgrade import upgrade_at_rate
from .upgrade import upgrade
from .upgraded import Upgraded


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.soak")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--every-s", type=float, default=20.0, help="a fault so often")
    parser.add_argument("--per-second", type=float, default=2.0, help="new calls")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--upgrade", action="store_true", help="no faults: a new version instead")
    parser.add_argument("--scripted", action="store_true", help="with --upgrade: scripted PBXs")
    parser.add_argument("--logs", type=Path, help="with --scripted: keep the logs in this folder")
    asked = parser.parse_args()
    if asked.scripted:
        upgraded = asyncio.run(_run_scripted(asked))
        print(upgraded.report())  # noqa: T201 - run by hand
        return 1 if upgraded.wrong else 0
    outcome, faults = asyncio.run(_run(asked))
    print(_told(outcome, faults))  # noqa: T201 - run by hand
    return 0 if outcome.balance.even else 1


async def _run(asked: argparse.Namespace) -> tuple[Outcome, Sequence[Fault]]:
    drawn = random.Random(asked.seed)
    postgresql = await asyncio.to_thread(PrivatePostgresql)
    try:
        await asyncio.to_thread(postgresql.start)
        with tempfile.TemporaryDirectory(prefix="soak-") as folder:
            async with open_soaked(Path(folder), postgresql) as cluster:
                faults = Faults(cluster, postgresql, drawn)
                outcome = await soak(
                    cluster,
                    upgrade(cluster)
                    if asked.upgrade
                    else faults.run(60 * asked.minutes, asked.every_s),
                    drawn=drawn,
                    per_second=asked.per_second,
                    urls=[cluster.url] if asked.upgrade else [],
                )
                return outcome, faults.done
    finally:
        postgresql.remove()


async def _run_scripted(asked: argparse.Namespace) -> Upgraded:
    postgresql = await asyncio.to_thread(PrivatePostgresql)
    try:
        await asyncio.to_thread(postgresql.start)
        with tempfile.TemporaryDirectory(prefix="soak-") as name:
            folder = Path(name)
            async with open_stage(folder / "stage") as stage:
                template = await record_call(stage)
            drawn = random.Random(asked.seed)
            return await upgrade_at_rate(
                folder, postgresql, template, asked.per_second, drawn, asked.logs
            )
    finally:
        postgresql.remove()


def _told(outcome: Outcome, faults: Sequence[Fault]) -> str:
    found = outcome.balance
    right: defaultdict[str, list[float]] = defaultdict(list)
    for fault in faults:
        right[fault.kind].append(fault.right_s)
    lines = [
        f"calls {found.calls}, final records {found.finals}, hang-ups lost {found.lost}, "
        f"doubled {found.doubled}, gaps {found.gaps}, dialled twice {found.dialled_twice}, "
        f"strays {found.strays}, left {found.left}, refused {found.refused}",
        f"answers {dict(sorted(outcome.answers.items()))}, "
        f"longest until accepted {outcome.longest_s:.1f} s",
    ]
    for kind, times in sorted(right.items()):
        middle, most = statistics.median(times), max(times)
        lines.append(f"{kind:8} {len(times):3}, right again after {middle:.1f} s, most {most:.1f}")
    if found.not_final:
        lines.append("without a final record: " + " ".join(found.not_final))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
