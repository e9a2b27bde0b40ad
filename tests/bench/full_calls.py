"""Calls from the order to the final record, by each path in turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bridge.testing.lab.bridge_process import BridgeProcess

from .call_paths import AmiPath, ApiPath, AriPath, CallPath
from .figures import Measure, difference, percentile, ratio
from .plan import Plan
from .process_cost import CpuMeter
from .progress import progress
from .stage import Stage

API, AMI, ARI = "HTTP API", "raw AMI", "ARI"
PATHS = (API, AMI, ARI)


@dataclass(slots=True)
class Run:
    """Calls made in one go: times in ms, CPU in ms per call by process."""

    calls: int
    duration_s: float = 0.0
    accepted_ms: list[float] = field(default_factory=list)
    invited_ms: list[float] = field(default_factory=list)
    cpu_ms: dict[str, float] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        return self.calls / self.duration_s


@dataclass(slots=True)
class Round:
    at_once: dict[str, Run] = field(default_factory=dict)
    single: dict[str, Run] = field(default_factory=dict)


async def full_calls(stage: Stage, plan: Plan) -> list[Round]:
    """Each round takes every path once, in an order that changes from round to round."""
    rounds = []
    for number in range(plan.rounds):
        round_ = Round()
        for place in range(len(PATHS)):
            path = PATHS[(number + place) % len(PATHS)]
            progress(f"full calls, round {number + 1} of {plan.rounds}: {path}")
            async with _opened(path, stage) as (opened, service):
                await _make(opened, stage, service, plan.warm_up_calls, plan.at_once)
                round_.at_once[path] = await _make(opened, stage, service, plan.calls, plan.at_once)
                round_.single[path] = await _make(opened, stage, service, plan.single_calls, 1)
        rounds.append(round_)
    return rounds


@asynccontextmanager
async def _opened(path: str, stage: Stage) -> AsyncIterator[tuple[CallPath, BridgeProcess | None]]:
    """The service runs for its own path only: it would follow the calls of the others."""
    if path == API:
        async with stage.service() as service:
            api = await ApiPath.open(stage, service)
            try:
                yield api, service
            finally:
                await api.close()
        return
    by_hand: CallPath = await (AmiPath.open(stage) if path == AMI else AriPath.open(stage))
    try:
        yield by_hand, None
    finally:
        await by_hand.close()


async def _make(
    path: CallPath, stage: Stage, service: BridgeProcess | None, calls: int, at_once: int
) -> Run:
    run = Run(calls)
    numbers = [stage.next_number() for _ in range(calls)]
    meter = CpuMeter(stage.processes(service))
    began = time.monotonic()

    async def one_after_the_other() -> None:
        while numbers:
            await _one(path, stage, numbers.pop(), run)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(one_after_the_other())
    await path.all_ended()
    run.duration_s = time.monotonic() - began
    run.cpu_ms = {name: ms / calls for name, ms in meter.read().items()}
    return run


async def _one(path: CallPath, stage: Stage, number: str, run: Run) -> None:
    began = time.monotonic()
    call_id = await path.create(number)
    run.accepted_ms.append((time.monotonic() - began) * 1000)
    run.invited_ms.append((await stage.source.invited(number) - began) * 1000)
    await stage.source.answered(number)
    await stage.destination.invited(number)
    await stage.destination.answered(number)
    await path.hang_up(call_id)


def call_measures(rounds: list[Round], at_once: int) -> list[Measure]:
    """The rows that these rounds give."""

    def rates(path: str) -> list[float]:
        return [x.at_once[path].per_second for x in rounds]

    def accepted(path: str, percent: float, *, single: bool) -> list[float]:
        runs = [(x.single if single else x.at_once)[path] for x in rounds]
        return [percentile(x.accepted_ms, percent) for x in runs]

    rows = [
        ratio("full calls per second", "/s", rates(API), AMI, rates(AMI), 0.9, at_least=True),
        ratio("full calls per second", "/s", rates(API), ARI, rates(ARI), 1.8, at_least=True),
        ratio(
            "CPU of the service per full call",
            "ms",
            [x.at_once[API].cpu_ms["service"] for x in rounds],
            "CPU of Asterisk per call",
            [x.at_once[API].cpu_ms["asterisk"] for x in rounds],
            0.4,
        ),
    ]
    for single in (False, True):
        name = f"POST to 202, {1 if single else at_once} at once"
        mine, theirs = accepted(API, 50, single=single), accepted(AMI, 50, single=single)
        rows.append(ratio(f"{name}, p50", "ms", mine, f"{AMI}, Originate to answer", theirs, 3))
        mine, theirs = accepted(API, 99, single=single), accepted(AMI, 99, single=single)
        doubled = [2 * x for x in theirs]
        rows.append(difference(f"{name}, p99", "ms", mine, f"twice {AMI}", doubled, 10))
    invited = {
        path: [percentile(x.single[path].invited_ms, 50) for x in rounds] for path in (API, AMI)
    }
    rows.append(
        difference("POST to INVITE at the phone, p50", "ms", invited[API], AMI, invited[AMI], 2)
    )
    return rows
