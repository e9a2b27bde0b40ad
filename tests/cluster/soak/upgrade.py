"""One instance after the other is stopped, and started in the next version."""

from __future__ import annotations

import asyncio

from bridge.testing.eventually import eventually
from tests.cluster.lab.whole_cluster import WholeCluster
from tests.cluster.next_version import COMMAND, VERSION

_SEEN_BY_BALANCER_S = 2.5


async def upgrade(cluster: WholeCluster) -> None:
    """The first of the new version changes the tables, while the others go on."""
    for number, instance in enumerate(cluster.instances):
        await instance.stop()
        instance.command = COMMAND
        await instance.started()
        await asyncio.sleep(_SEEN_BY_BALANCER_S)  # HAProxy asks each second, twice
        if number == 0:
            await _all_held_by(cluster, instance.state_dir.name)


async def _all_held_by(cluster: WholeCluster, name: str) -> None:
    """Until the others have drained: they are told, since their version is the older one."""
    others = "SELECT 1 FROM leases WHERE holder NOT IN ('', $1)"

    async def handed_over() -> bool:
        return not await cluster.rows(others, name)

    await eventually(handed_over, 30)
    running = "SELECT draining, version FROM instances WHERE name <> $1"
    rows = await cluster.rows(running, name)
    assert {x["draining"] for x in rows} == {1}
    assert VERSION not in {x["version"] for x in rows}
