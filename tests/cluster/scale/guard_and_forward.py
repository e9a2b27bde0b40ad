"""What the fence of writes adds to a call, and what a forward adds to a request."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.fence_cost import cost_rounds, opened_sides
from tests.bench.figures import percentile
from tests.bench.generated_calls import CallTemplate
from tests.bench.progress import progress
from tests.cluster.forward_latency import Took, forwarded
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .figures import spread, table
from .plan import Plan

_PER_S = 50.0

GuardRounds = Sequence[Mapping[str, Mapping[str, float]]]
Forwards = Mapping[str, Sequence[Mapping[str, Took]]]
"""By what was asked, of each round; by the instance that was asked: `holder` or `other`."""


async def guard(
    folder: Path, server: PrivatePostgresql, template: CallTemplate, plan: Plan
) -> GuardRounds:
    """CPU of a call with and without the fence, by round."""
    folder.mkdir()
    per_s = min(_PER_S, plan.calls_per_s)
    async with opened_sides(folder, template, server) as sides:
        return await cost_rounds(sides, per_s, plan.rounds, plan.seconds)


async def forward(server: PrivatePostgresql, plan: Plan) -> Forwards:
    """The same requests at the holder and at the other instance, in turn."""
    found: dict[str, list[Mapping[str, Took]]] = {}
    for number in range(plan.rounds):
        progress(f"forward, round {number + 1} of {plan.rounds}")
        with tempfile.TemporaryDirectory() as folder:
            for what, took in (await forwarded(Path(folder), server, plan.forwards)).items():
                found.setdefault(what, []).append(took)
    return found


def told(guarded: GuardRounds, forwards: Forwards) -> str:
    """The table."""
    rows = [
        (
            f"CPU of {where} per call, with the fence beside without it",
            spread([x["with fence"][what] / x["without fence"][what] for x in guarded], 3),
            target,
        )
        for what, where, target in (
            ("service", "the instance", "≤ 1.03"),
            ("database", "the database", "-"),
        )
    ]
    for what, took in forwards.items():
        added = [
            percentile(x["other"].by_clock, 50) - percentile(x["holder"].by_clock, 50) for x in took
        ]
        cpu = [percentile(x["other"].cpu, 50) - percentile(x["holder"].cpu, 50) for x in took]
        rows.append((f"a forward adds to a {what}, p50, ms", spread(added), "≤ 1"))
        rows.append(("… CPU of both instances, ms", spread(cpu), "-"))
    return table(("what", "measured", "target"), rows)
