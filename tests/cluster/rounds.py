"""Run by hand: the figures of docs/cluster.md, `python -m tests.cluster.rounds [ROUNDS]`.

In each round calls live while the instance that holds the PBX is stopped, killed or frozen, or
while the database is away. Counted are the calls, their final records and hang-up events, and the
seconds until all are listed again.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from bridge.testing.eventually import eventually
from bridge.testing.webhook_receiver import Receiver
from tests.pbx.phone_call_events.subscriber import HANG_UP, subscribe

from .calls_of_cluster import all_live, finals, hang_ups, talks
from .running_cluster import RunningCluster, open_cluster

CALLS = 23
AWAY_S = 6.0


@dataclass
class Figures:
    """Of one fault, over all rounds."""

    calls: int = 0
    lost: int = 0
    doubled: int = 0
    until_right_s: list[float] = field(default_factory=list)


async def handed_over(cluster: RunningCluster, first: str, number: signal.Signals) -> float:
    at_s = cluster.hit(first, number)
    [second] = set(cluster.instances) - {first}
    await cluster.wait_held(second)
    return at_s


async def database_away(cluster: RunningCluster, first: str) -> float:
    await asyncio.to_thread(cluster.postgresql.stop)
    await asyncio.sleep(AWAY_S)  # it is away
    await asyncio.to_thread(cluster.postgresql.start)
    at_s = time.monotonic()
    await cluster.wait_held(first)
    return at_s


async def one_round(
    cluster: RunningCluster, receiver: Receiver, fault: str, figures: Figures
) -> None:
    await cluster.ensure_running()
    first = await cluster.holder()
    async with cluster.client(first) as one:
        ids = await talks(one, CALLS)
        if fault == "DATABASE":
            at_s = await database_away(cluster, first)
        else:
            at_s = await handed_over(cluster, first, signal.Signals[fault])
    async with cluster.client(await cluster.holder()) as now:
        await all_live(now, ids)
        figures.until_right_s.append(time.monotonic() - at_s)
        if fault == "SIGSTOP":
            cluster.hit(first, signal.SIGCONT)
        await now.hang_up()
    await finals(cluster, ids)
    with contextlib.suppress(AssertionError):  # what is lost is counted
        await eventually(lambda: set(hang_ups(receiver)) >= set(ids))
    told = hang_ups(receiver)
    figures.calls += len(ids)
    figures.lost += sum(told[x] == 0 for x in ids)
    figures.doubled += sum(told[x] > 1 for x in ids)


async def main(rounds: int) -> None:
    many = {"calls_per_extension_max": "100", "calls_per_user_max": "100"}
    found = {x: Figures() for x in ("SIGTERM", "SIGKILL", "SIGSTOP", "DATABASE")}
    with tempfile.TemporaryDirectory() as folder:
        async with open_cluster(Path(folder), ["a", "b"], many) as cluster, Receiver() as receiver:
            async with cluster.client("a") as one:
                await subscribe(one, "210", HANG_UP, receiver.url())
            for _ in range(rounds):
                for fault, figures in found.items():
                    await one_round(cluster, receiver, fault, figures)
    for fault, figures in found.items():
        middle, most = statistics.median(figures.until_right_s), max(figures.until_right_s)
        print(  # noqa: T201 - run by hand
            f"{fault:9} rounds {rounds}, calls {figures.calls}, "
            f"hang-ups lost {figures.lost}, doubled {figures.doubled}, "
            f"seconds until right: median {middle:.2f}, most {most:.2f}"
        )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else 5))
