"""One instance after the other is stopped, and started in the next version."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from bridge.testing.eventually import eventually
from bridge.testing.lab.bridge_process import BridgeProcess
from tests.cluster.next_version import COMMAND, VERSION

_SEEN_BY_BALANCER_S = 2.5
_START_LIMIT_S = 60.0


class Upgradable(Protocol):
    """Instances over one database."""

    @property
    def instances(self) -> Sequence[BridgeProcess]: ...

    async def rows(self, query: str, *values: object) -> Sequence[Mapping[str, Any]]: ...


async def upgrade(cluster: Upgradable) -> None:
    """The first of the new version changes the tables, while the others go on."""
    for number, instance in enumerate(cluster.instances):
        await instance.stop()
        instance.command = COMMAND
        await instance.start(wait_ready=False)
        await instance.wait_ready(_START_LIMIT_S)
        await asyncio.sleep(_SEEN_BY_BALANCER_S)  # HAProxy asks each second, twice
        if number == 0:
            await _all_held_by(cluster, instance.state_dir.name)


async def _all_held_by(cluster: Upgradable, name: str) -> None:
    """Until the others have drained: they are told, since their version is the older one."""
    others = "SELECT 1 FROM leases WHERE holder NOT IN ('', $1)"

    async def handed_over() -> bool:
        return not await cluster.rows(others, name)

    await eventually(handed_over, 30)
    running = "SELECT draining, version FROM instances WHERE name <> $1"
    rows = await cluster.rows(running, name)
    assert {x["draining"] for x in rows} == {1}
    assert VERSION not in {x["version"] for x in rows}
