"""Calls at a steady rate, with the gaps of a real call between their events: a service in life.

The service is not busy then, and cold after each wait: the same call takes more CPU than in a rush.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from pathlib import Path

from .disk_commit import commits_ms
from .figures import Measure, percentile, value
from .generated_calls import CallTemplate
from .plan import Plan
from .process_cost import CpuMeter
from .progress import progress
from .scripted_stage import ScriptedStage, open_scripted_stage

_TALK_S = 0.5
_IN_TIME_MS = 20
"""A POST that takes longer has waited for those before it."""
_CALL = {"extension": "210", "phoneCallView": [{"source": ["210"], "destination": ["211"]}]}


@dataclass(slots=True)
class SteadyLoad:
    """By round: p50 of a POST and of a commit in ms, and CPU of the service in ms per call."""

    per_s: float
    post_ms: list[float] = field(default_factory=list)
    commit_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)


async def steady_load(folder: Path, template: CallTemplate, plan: Plan) -> SteadyLoad:
    """One service for all rounds, after a warm-up. A machine that cannot keep up gets less."""
    async with open_scripted_stage(folder / "steady", template, 0, as_in_life=True) as stage:
        per_s = plan.steady_per_s
        short_s = plan.steady_seconds / 5
        while percentile(await steady_calls(stage, per_s, short_s), 50) > _IN_TIME_MS:
            per_s /= 2
            progress(f"steady load: this machine gets {per_s:g} calls/s")
        result = SteadyLoad(per_s)
        for number in range(plan.steady_rounds):
            progress(f"steady load, round {number + 1} of {plan.steady_rounds}")
            meter = CpuMeter({"service": (stage.service.pid,)})
            took_ms = await steady_calls(stage, per_s, plan.steady_seconds)
            result.post_ms.append(percentile(took_ms, 50))
            result.cpu_ms.append(meter.read()["service"] / len(took_ms))
            result.commit_ms.append(percentile(commits_ms(folder, plan.commits), 50))
    return result


async def steady_calls(
    stage: ScriptedStage, calls_per_second: float, seconds: float
) -> list[float]:
    """So many calls a second for so long, each to its end; returns the ms of each POST."""
    took_ms: list[float] = []
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(max(1, int(calls_per_second * seconds))):
            early_s = began + number / calls_per_second - time.monotonic()
            if early_s > 0:
                await asyncio.sleep(early_s)  # until the moment at which the call is due
            group.create_task(_one(stage, took_ms))
    await stage.wait_live_calls(0)
    return took_ms


async def _one(stage: ScriptedStage, took_ms: list[float]) -> None:
    began = time.monotonic()
    status, answer = await stage.http.request(
        "POST", "/uapi/phoneCalls/@me/simple", json.dumps(_CALL).encode()
    )
    took_ms.append((time.monotonic() - began) * 1000)
    assert status == 202, answer
    await asyncio.sleep(_TALK_S)  # the parties talk
    path = f"/uapi/phoneCalls/@me/210/{json.loads(answer)[0]['id']}"
    status, answer = await stage.http.request("DELETE", path)
    assert status == 200, answer


def steady_load_measures(result: SteadyLoad) -> list[Measure]:
    load = f"at a steady {result.per_s:g} calls/s"
    return [
        value(
            f"POST to 202 {load}, p50",
            "ms",
            result.post_ms,
            1.5,
            "one commit on this disk",
            result.commit_ms,
        ),
        value(f"CPU of the service per call {load}", "ms", result.cpu_ms, 1.2),
    ]
