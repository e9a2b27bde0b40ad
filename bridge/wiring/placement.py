"""Wiring of the moves of organizations: the states of all PBXs, and the job that acts on them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.cluster.lease import PLACEMENT, Leases, pbx_resource
from bridge.cluster.opened_leases import OpenedLeases
from bridge.cluster.pbx_reports import LOOK_EVERY_S as REPORT_EVERY_S
from bridge.cluster.pbx_reports import HeldPbx, PbxReports
from bridge.cluster.placement_choice import PbxCondition
from bridge.cluster.placement_moves import LOOK_EVERY_S, PlacementMoves
from bridge.cluster.stored_placements import StoredPlacements
from bridge.config.settings import Settings
from bridge.faults import StorageUnavailable
from bridge.http.node_services import HeldNodes, NodeServices
from bridge.storage.shared_changes import CHANNEL, PLACEMENTS
from bridge.supervision.intervals import every
from bridge.supervision.task_set import TaskSet
from bridge.supervision.tasks import must_live
from bridge.wiring.shared_memory import SharedMemory

log = structlog.get_logger()


def follow_pbxs(
    stack: AsyncExitStack,
    settings: Settings,
    engine: AsyncEngine,
    leases: OpenedLeases,
    memory: SharedMemory,
    placements: StoredPlacements,
    nodes: HeldNodes,
) -> None:
    """Tell how the PBXs of this instance are, and move organizations if that is its job.

    `placements` hears of each move at once. `stack` ends it.
    """
    keeper, hints = leases.keeper, leases.hints
    reports = PbxReports(engine, lambda: held_pbxs(nodes, keeper))
    moves = PlacementMoves(
        engine,
        placements.pbx_names,
        lambda: keeper.held(PLACEMENT) is not None,
        lambda: hints.notify(CHANNEL, ""),
        from_dead=follows_health(settings),
    )

    async def moved(_: frozenset[str] | None) -> None:
        await placements.read()

    memory.reader.hear(PLACEMENTS, moved)
    arrivals = TaskSet("organizations_arrived")
    stack.push_async_callback(arrivals.stop)

    def arrived(pbxs: frozenset[str]) -> None:
        """The agents of queues have been given another status elsewhere, perhaps."""
        for node in nodes:
            if node.pbx.name in pbxs and keeper.held(pbx_resource(node.pbx.name)) is not None:
                arrivals.begin(node.queues.push())

    placements.at_move(arrived)
    for name, interval_s, work in (
        ("pbx_reports", REPORT_EVERY_S, reports.look),
        ("placement_moves", LOOK_EVERY_S, moves.look),
    ):
        living = must_live(every(interval_s, name, _with_database(name, work)), name)
        stack.push_async_callback(living.stop)


def follows_health(settings: Settings) -> bool:
    """Whether organizations leave a PBX that is down."""
    if settings.move_organizations == "auto":
        return bool(settings.edge_address)
    return settings.move_organizations == "yes"


def held_pbxs(nodes: HeldNodes, leases: Leases) -> Mapping[str, HeldPbx]:
    """The PBXs that this instance may act for at this moment, by their names."""
    found = {}
    for node in nodes:
        lease = leases.held(pbx_resource(node.pbx.name))
        if lease is not None:
            condition = _condition(node)
            down = condition is PbxCondition.DOWN
            for_s = node.pbx.link.lasts_s if down else 0.0
            found[node.pbx.name] = HeldPbx(lease.epoch, condition, for_s)
    return found


def _condition(node: NodeServices) -> PbxCondition:
    if not node.pbx.link.up:
        return PbxCondition.DOWN
    return PbxCondition.READY if node.phones.ready.is_set() else PbxCondition.STARTING


def _with_database(name: str, work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    async def done() -> None:
        try:
            await work()
        except StorageUnavailable as why:  # the keeper of leases reports it
            log.debug("not_done_without_database", work=name, why=str(why))

    return done
