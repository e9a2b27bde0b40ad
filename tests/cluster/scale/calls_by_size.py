"""What a call costs with more PBXs and more instances, and what they cost at rest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bridge.testing.eventually import eventually
from tests.bench.generated_calls import CallTemplate
from tests.bench.progress import progress
from tests.bench.scripted_pbx import ScriptedPbx
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .figures import spread, table
from .organizations import Organization, organizations, write_organizations
from .plan import Plan
from .scripted_cluster import ScriptedCluster, in_turns_of, open_scripted_cluster

Size = tuple[int, int]
"""How many PBXs and instances; (1, 0): a service that is alone, on PostgreSQL."""

ALONE: Size = (1, 0)
_TALK_S = 0.5
_SETTINGS = {"provision_phones": "false", "refuse_unreachable_sources": "false"}


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU in ms: per call, and per second without calls. `final`: records that the calls left."""

    service: float
    database: float
    idle_service: float
    idle_database: float
    calls: int
    final: int


async def calls_by_size(
    folder: Path, server: PrivatePostgresql, template: CallTemplate, plan: Plan
) -> list[dict[Size, Cost]]:
    """By round. All clusters run all the time, and take turns."""
    folder.mkdir()
    all_organizations = organizations(max(x for x, _ in plan.sizes), 2)
    write_organizations(folder / "directory.yaml", all_organizations)
    clusters: dict[Size, ScriptedCluster] = {}
    async with AsyncExitStack() as stack:
        for pbxs, instances in (ALONE, *plan.sizes):
            progress(f"starting {pbxs} PBXs with {instances} instances")
            cluster = clusters[pbxs, instances] = await stack.enter_async_context(
                open_scripted_cluster(
                    folder / f"{pbxs}-{instances}",
                    server,
                    [ScriptedPbx(template, as_in_life=True) for _ in range(pbxs)],
                    all_organizations[:pbxs],
                    _SETTINGS,
                )
            )
            names = ["abc"[x] for x in range(instances)] or [""]
            await in_turns_of([partial(cluster.start, x) for x in names])
        for size, cluster in clusters.items():
            if size != ALONE:
                await cluster.settled()
            await _steady(cluster, plan.calls_per_s, 1.0)
        found = []
        for number in range(plan.rounds):
            progress(f"calls by size, round {number + 1} of {plan.rounds}")
            order = list(clusters.items())
            if number % 2:
                order.reverse()
            found.append({size: await _cost(cluster, plan) for size, cluster in order})
            progress(f"  {found[-1]}")
        return found


async def _cost(cluster: ScriptedCluster, plan: Plan) -> Cost:
    resting = await _spent(cluster, partial(asyncio.sleep, plan.idle_s))
    records = await cluster.final_records()
    made: list[str] = []
    busy = await _spent(cluster, partial(_steady, cluster, plan.calls_per_s, plan.seconds, made))

    async def all_written() -> bool:
        return await cluster.final_records() - records == len(made)

    await eventually(all_written, 30)
    return Cost(
        busy[0] / len(made),
        busy[1] / len(made),
        resting[0] / plan.idle_s,
        resting[1] / plan.idle_s,
        len(made),
        await cluster.final_records() - records,
    )


async def _spent(
    cluster: ScriptedCluster, work: Callable[[], Awaitable[None]]
) -> tuple[float, float]:
    """ms of CPU of the instances and of the database while it lasts."""
    before = cluster.cpu_ms()
    await work()
    spent = {x: ms - before.get(x, 0.0) for x, ms in cluster.cpu_ms().items()}
    return (
        sum(spent[x] for x in cluster.instances),
        sum(ms for x, ms in spent.items() if x not in cluster.instances),
    )


async def _steady(
    cluster: ScriptedCluster, per_s: float, seconds: float, made: list[str] | None = None
) -> None:
    """So many calls a second for so long, of all organizations in turn, each to its end.

    Each request goes to the next instance, as a balancer would send it.
    """
    began = time.monotonic()
    ids = [] if made is None else made
    async with asyncio.TaskGroup() as group:
        for number in range(max(1, int(per_s * seconds))):
            early_s = began + number / per_s - time.monotonic()
            if early_s > 0:
                await asyncio.sleep(early_s)  # until the moment at which the call is due
            organization = cluster.organizations[number % len(cluster.organizations)]
            group.create_task(_call(cluster, organization, ids))
    await cluster.wait_live_calls(0)


async def _call(cluster: ScriptedCluster, organization: Organization, ids: list[str]) -> None:
    source, destination = organization.extensions[:2]
    call_id = await cluster.order(organization, source, destination)
    ids.append(call_id)
    await asyncio.sleep(_TALK_S)  # the parties talk
    client = await cluster.client(organization)
    path = f"/uapi/phoneCalls/@me/{source.partition('*')[2]}/{call_id}"
    status, answer = await client.request("DELETE", path)
    assert status == 200, answer


def told(rounds: Sequence[Mapping[Size, Cost]]) -> str:
    """The table: each size beside one PBX with one instance, within each round."""
    rows = []
    for size in rounds[0]:
        costs = [x[size] for x in rounds]
        whole = [x.service + x.database for x in costs]
        one = [x[1, 1].service + x[1, 1].database for x in rounds]
        rows.append(
            (
                *(("1", "alone") if size == ALONE else map(str, size)),
                spread([x.service for x in costs]),
                spread([x.database for x in costs]),
                spread([mine / theirs for mine, theirs in zip(whole, one, strict=True)]),
                spread([x.idle_service for x in costs], 1),
                spread([x.idle_database for x in costs], 1),
            )
        )
    return table(
        (
            "PBXs",
            "instances",
            "CPU of the instances per call, ms",
            "CPU of the database per call, ms",
            "both, beside 1 and 1",
            "instances at rest, ms each second",
            "database at rest, ms each second",
        ),
        rows,
    )
