"""What many live calls cost: lists and memory. All were ordered by an app."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from .directory_file import DESTINATION, SOURCE, other
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
    """`list_ms`: p50 of each round by live calls; `call_bytes`: of one more live call."""

    list_ms: dict[int, list[float]] = field(default_factory=dict)
    call_bytes: float = 0.0


async def many_calls(folder: Path, template: CallTemplate, plan: Plan) -> ManyCalls:
    """One service for each number of live calls; their requests take turns."""
    result = ManyCalls()
    stages: dict[int, ScriptedStage] = {}
    before, most = plan.live_calls[-2:]
    async with AsyncExitStack() as stack:
        for live in plan.live_calls:
            progress(f"many calls: {live:,}")
            opened = open_scripted_stage(folder / f"live-{live}", template, 2 * _OTHERS)
            stage = stages[live] = await stack.enter_async_context(opened)
            await stage.add_live_calls([(SOURCE, DESTINATION)] * _OWN_CALLS)
            await _fill(stage, _OWN_CALLS, min(live, before))
            if live == most:
                fewer = resident_bytes(stage.service.pid)
                await _fill(stage, before, live)
                more = resident_bytes(stage.service.pid)
                result.call_bytes = (more - fewer) / (most - before)
        for number in range(plan.list_rounds):
            progress(f"lists, round {number + 1} of {plan.list_rounds}")
            for live, took_ms in (await _list_ms(stages, plan.list_requests)).items():
                result.list_ms.setdefault(live, []).append(percentile(took_ms, 50))
    return result


async def _fill(stage: ScriptedStage, live: int, wanted: int) -> None:
    places = [x % _OTHERS for x in range(live, wanted)]
    await stage.add_live_calls([(other(x), other(_OTHERS + x)) for x in places])
    await stage.wait_live_calls(wanted)


async def _list_ms(stages: dict[int, ScriptedStage], requests: int) -> dict[int, list[float]]:
    """How long it takes to ask for the calls of one extension."""
    took: dict[int, list[float]] = {live: [] for live in stages}
    for _ in range(requests):
        for live, stage in stages.items():
            began = time.perf_counter()
            status, body = await stage.http.request("GET", _LIST)
            took[live].append((time.perf_counter() - began) * 1000)
            assert status == 200, body
            assert body.count(b'"published"') == _OWN_CALLS
    return took


def many_calls_measures(result: ManyCalls, plan: Plan) -> list[Measure]:
    least, *more = plan.live_calls
    rows = [
        ratio(
            f"GET the calls of one extension, {live:,} live calls, p50",
            "ms",
            result.list_ms[live],
            f"itself at {least}",
            result.list_ms[least],
            1.3,
        )
        for live in more
    ]
    return [*rows, value("memory per live call", "KB", [result.call_bytes / 1024], 6)]
