"""The parts of an instance of several; an instance that is alone loads nothing of this."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge import __version__
from bridge.cluster.lease import PLACEMENT, PURGE, SHARDS, pbx_resource, shard_resource
from bridge.cluster.opened_leases import OpenedLeases, opened_leases
from bridge.config.pbx_entries import settings_of_pbxs
from bridge.config.settings import Settings
from bridge.http.node_services import HeldNodes
from bridge.http.ops.instance_health import InstanceHealth
from bridge.http.stop_notice import StopNotice
from bridge.storage.write_queue import WriteQueue
from bridge.wiring.held_pbxs import PBX_RESOURCES, HeldPbxs, NodeHolder


async def open_leases(
    stack: AsyncExitStack,
    settings: Settings,
    engine: AsyncEngine,
    directory_hash: Callable[[], str],
) -> OpenedLeases:
    """Leases and hints; nothing is claimed yet. `stack` ends both.

    `directory_hash`: of the directory in force.
    """
    resources = [
        *(pbx_resource(x.pbx_name) for x in settings_of_pbxs(settings)),
        *map(shard_resource, range(SHARDS)),
        *(PURGE, PLACEMENT),
    ]
    return await stack.enter_async_context(
        opened_leases(
            engine,
            settings.instance_name,
            settings.instance_url,
            resources,
            version=__version__,
            directory_hash=directory_hash,
        )
    )


def instance_health(
    settings: Settings, leases: OpenedLeases, nodes: HeldNodes, notice: StopNotice
) -> InstanceHealth:
    """The part of /health/ready about the instances and their PBXs."""
    names = tuple(x.pbx_name for x in settings_of_pbxs(settings))
    return InstanceHealth(names, leases.keeper, leases.keeper, nodes, notice)


def hold_pbxs(
    stack: AsyncExitStack,
    settings: Settings,
    leases: OpenedLeases,
    holder: NodeHolder,
    queue: WriteQueue,
) -> None:
    """Claim leases from now on, and hold the node of each PBX whose lease is won.

    `stack` hands all of them over.
    """
    pbxs = HeldPbxs(holder, leases.keeper, queue, settings_of_pbxs(settings))
    leases.keeper.listen(PBX_RESOURCES, pbxs)
    stack.push_async_callback(pbxs.stop)
    leases.keeper.tell_lag(lambda: queue.lag_s)
    leases.keeper.start()
    stack.push_async_callback(leases.keeper.stop)
