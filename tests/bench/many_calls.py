"""What many live calls cost: lists and memory."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from .directory_file import SOURCE, other
from .figures import Measure, percentile, ratio, value
from .generated_calls import CallTemplate
from .plan import Plan
from .process_cost import resident_bytes
from .progress import progress
from .scripted_stage import ScriptedStage, open_scripted_stage

_OWN_CALLS = 5
_OTHERS = 1_000
_LIST = "/uapi/phoneCalls/@me/210"


@dataclass(slots=True)
class ManyCalls:
    """One service from few to many calls: ms of a list, resident bytes, by live calls."""

    list_ms: dict[int, float] = field(default_factory=dict)
    resident: dict[int, int] = field(default_factory=dict)


async def many_calls(folder: Path, template: CallTemplate, plan: Plan) -> list[ManyCalls]:
    rounds = []
    for number in range(plan.list_rounds):
        progress(f"many calls, round {number + 1} of {plan.list_rounds}")
        round_ = ManyCalls()
        name = folder / f"many-{number}"
        async with open_scripted_stage(name, template, _OTHERS) as stage:
            await stage.add_live_calls(0, _OWN_CALLS, [SOURCE])
            live = _OWN_CALLS
            for wanted in plan.live_calls:
                await stage.add_live_calls(live, wanted - live, [other(x) for x in range(_OTHERS)])
                live = wanted
                await stage.wait_live_calls(live)
                round_.list_ms[live] = await _list_ms(stage, plan.list_requests)
                round_.resident[live] = resident_bytes(stage.service.pid)
        rounds.append(round_)
    return rounds


async def _list_ms(stage: ScriptedStage, requests: int) -> float:
    """p50 of asking for the calls of one extension."""
    took = []
    for _ in range(requests):
        began = time.perf_counter()
        status, body = await stage.http.request("GET", _LIST)
        took.append((time.perf_counter() - began) * 1000)
        assert status == 200, body
        assert body.count(b'"published"') == _OWN_CALLS
    return percentile(took, 50)


def many_calls_measures(rounds: list[ManyCalls], plan: Plan) -> list[Measure]:
    least, *more = plan.live_calls
    at_least = [x.list_ms[least] for x in rounds]
    rows = [
        ratio(
            f"GET the calls of one extension, {live:,} live calls, p50",
            "ms",
            [x.list_ms[live] for x in rounds],
            f"itself at {least}",
            at_least,
            1.3,
        )
        for live in more
    ]
    before, most = plan.live_calls[-2:]
    per_call = [(x.resident[most] - x.resident[before]) / (most - before) / 1024 for x in rounds]
    return [*rows, value("memory per live call", "KB", per_call, 6)]
