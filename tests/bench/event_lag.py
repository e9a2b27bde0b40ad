"""From an AMI event on the wire to the moment when a GET shows it, under full load."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

from .figures import Measure, percentile, value
from .generated_calls import CallTemplate
from .plan import Plan
from .progress import progress
from .scripted_stage import TALKS, ScriptedStage, open_scripted_stage

_SEEN_LIMIT_S = 10
_OBSERVED_EVERY = 10
_CALL = {"extension": "210", "phoneCallView": [{"source": ["210"], "destination": ["211"]}]}


async def event_lag(
    folder: Path, template: CallTemplate, plan: Plan, calls_per_second: float
) -> list[list[float]]:
    """Lags in ms, by round. Calls begin at this rate, however the ones before fare."""
    rounds = []
    for number in range(plan.lag_rounds):
        progress(f"event lag, round {number + 1} of {plan.lag_rounds}")
        async with open_scripted_stage(folder / f"lag-{number}", template, 0) as stage:
            await _load(stage, calls_per_second, plan.lag_seconds / 5)  # warm-up
            rounds.append(await _load(stage, calls_per_second, plan.lag_seconds))
    return rounds


async def _load(stage: ScriptedStage, calls_per_second: float, seconds: float) -> list[float]:
    lags: list[float] = []
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(max(1, int(calls_per_second * seconds))):
            early_s = began + number / calls_per_second - time.monotonic()
            if early_s > 0:
                await asyncio.sleep(early_s)  # until the moment at which the event is due
            observed = number % _OBSERVED_EVERY == 0
            group.create_task(_one(stage, lags if observed else None))
    return lags


async def _one(stage: ScriptedStage, lags: list[float] | None) -> None:
    status, answer = await stage.http.request(
        "POST", "/uapi/phoneCalls/@me/simple", json.dumps(_CALL).encode()
    )
    assert status == 202, answer
    call_id = json.loads(answer)[0]["id"]
    path = f"/uapi/phoneCalls/@me/210/{call_id}"
    began = time.monotonic()
    await stage.answer(call_id)
    if lags is not None:
        async with asyncio.timeout(_SEEN_LIMIT_S):
            while TALKS not in (await stage.http.request("GET", path))[1]:
                pass
        lags.append((time.monotonic() - began) * 1000)
    status, answer = await stage.http.request("DELETE", path)
    assert status in (200, 204), answer


def event_lag_measure(rounds: list[list[float]]) -> Measure:
    name = "event on the wire to visible by GET, p99, at full rate"
    return value(name, "ms", [percentile(x, 99) for x in rounds], 1.5)
