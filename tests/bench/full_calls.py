"""Calls from the order to the final record, by each path in turn."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from .call_paths import AmiPath, ApiPath, ByHandPath, CallPath, Source
from .disk_commit import commits_ms
from .figures import Measure, difference, percentile, ratio, value
from .peer_by_hand import peer_by_hand
from .plan import Plan
from .process_cost import CpuMeter
from .progress import progress
from .stage import Stage

API, AMI, BY_HAND = "HTTP API", "raw AMI", "the service written by hand"
BEHIND_WALL = "the service written by hand, no phone can forward"
KNOWN, PREVIOUS = "raw AMI that dials as the service", "the previous configuration"
PATHS = (API, AMI, BY_HAND, BEHIND_WALL, KNOWN, PREVIOUS)
_SOURCES = {AMI: Source.DIRECT, KNOWN: Source.KNOWN, PREVIOUS: Source.ANY}
_OF_ASTERISK_ALONE = (KNOWN, PREVIOUS)
Pids = tuple[int, ...]


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
    commit_ms: list[float] = field(default_factory=list)


async def full_calls(present: Stage, previous: Stage, plan: Plan) -> list[Round]:
    """Each round takes every path once, in an order that changes from round to round.

    `previous`: an Asterisk with the previous configuration.
    """
    rounds = []
    for number in range(plan.rounds):
        round_ = Round()
        for place in range(len(PATHS)):
            path = PATHS[(number + place) % len(PATHS)]
            progress(f"full calls, round {number + 1} of {plan.rounds}: {path}")
            stage = previous if path == PREVIOUS else present
            async with opened_path(path, stage) as (opened, service):
                await make(opened, stage, service, plan.warm_up_calls, plan.at_once)
                round_.at_once[path] = await make(opened, stage, service, plan.calls, plan.at_once)
                if path not in _OF_ASTERISK_ALONE:
                    round_.single[path] = await make(opened, stage, service, plan.single_calls, 1)
            round_.commit_ms += commits_ms(stage.folder, plan.commits)
        rounds.append(round_)
    return rounds


@asynccontextmanager
async def opened_path(path: str, stage: Stage) -> AsyncIterator[tuple[CallPath, Pids]]:
    """Each service runs for its own path only: it would follow the calls of the others."""
    opened: CallPath
    async with AsyncExitStack() as stack:
        pids: Pids = ()
        if path == API:
            service = await stack.enter_async_context(stage.service())
            opened, pids = await ApiPath.open(stage, service), (service.pid,)
        elif path in (BY_HAND, BEHIND_WALL):
            by_hand = peer_by_hand(stage, wall=path == BEHIND_WALL)
            peer = await stack.enter_async_context(by_hand)
            opened, pids = ByHandPath(peer), (peer.pid,)
        else:
            opened = await AmiPath.open(stage, _SOURCES[path])
        stack.push_async_callback(opened.close)
        yield opened, pids


async def make(path: CallPath, stage: Stage, service: Pids, calls: int, at_once: int) -> Run:
    """So many calls, so many of them at once."""
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


def cpu_by_path(rounds: list[Round]) -> dict[str, dict[str, float]]:
    """Medians in ms of a call, by path and process."""
    return {
        path: {
            process: statistics.median(x.at_once[path].cpu_ms[process] for x in rounds)
            for process in rounds[0].at_once[path].cpu_ms
        }
        for path in (API, BEHIND_WALL, BY_HAND, KNOWN, AMI)
    }


def call_measures(rounds: list[Round], at_once: int) -> list[Measure]:
    """The rows that these rounds give."""

    def rates(path: str) -> list[float]:
        return [x.at_once[path].per_second for x in rounds]

    def accepted(path: str, percent: float, *, single: bool) -> list[float]:
        runs = [(x.single if single else x.at_once)[path] for x in rounds]
        return [percentile(x.accepted_ms, percent) for x in runs]

    def cpu_ms(path: str, process: str) -> list[float]:
        return [x.at_once[path].cpu_ms[process] for x in rounds]

    name, one = f"POST to 202, {at_once} at once", "POST to 202, 1 at once"
    originate = f"{AMI}, Originate to answer"
    rows = [
        ratio(
            "full calls per second", "/s", rates(API), BY_HAND, rates(BY_HAND), 1.5, at_least=True
        ),
        ratio("full calls per second", "/s", rates(API), BEHIND_WALL, rates(BEHIND_WALL), None),
        ratio("full calls per second", "/s", rates(API), AMI, rates(AMI), 0.82, at_least=True),
        value(
            "CPU of the service per full call",
            "ms",
            cpu_ms(API, "service"),
            0.75,
            BY_HAND,
            cpu_ms(BY_HAND, "service"),
        ),
    ]
    for percent, limit_ms in ((50, 4), (99, 25)):
        mine, theirs = (accepted(x, percent, single=False) for x in (API, AMI))
        rows.append(value(f"{name}, p{percent}", "ms", mine, limit_ms, originate, theirs))
    commits = [percentile(x.commit_ms, 50) for x in rounds]
    mine = accepted(API, 50, single=True)
    rows.append(difference(f"{one}, p50", "ms", mine, "one commit on this disk", commits, 0.6))
    invited = {
        path: [percentile(x.single[path].invited_ms, 50) for x in rounds] for path in (API, AMI)
    }
    rows.append(
        difference("POST to INVITE at the phone, p50", "ms", invited[API], AMI, invited[AMI], 0.8)
    )
    ours = cpu_ms(KNOWN, "asterisk")
    name = "CPU of Asterisk per call, dialled as by the service"
    rows.append(ratio(name, "ms", ours, PREVIOUS, cpu_ms(PREVIOUS, "asterisk"), 0.9))
    name = "CPU of Asterisk per call, its phones kept from forwarding"
    rows.append(ratio(name, "ms", ours, AMI, cpu_ms(AMI, "asterisk"), 1.4))
    return rows
