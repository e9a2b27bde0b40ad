"""The parts of an instance of several, joined. An instance that is alone loads nothing of this."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import structlog
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.access.shared_codes import Codes, SharedCodes
from bridge.cluster.calls_away import CallsAway
from bridge.cluster.lease import PURGE
from bridge.cluster.opened_leases import OpenedLeases
from bridge.cluster.pbx_names import Placements
from bridge.cluster.pbx_states import seen_ms
from bridge.cluster.sealing import Seal
from bridge.cluster.stored_placements import StoredPlacements
from bridge.config.settings import Settings
from bridge.directory.loader import CurrentDirectory
from bridge.faults import StorageUnavailable
from bridge.http.context import Services
from bridge.http.node_services import HeldNodes
from bridge.http.ops.instance_health import InstanceHealth
from bridge.http.server import AROUND, Around
from bridge.http.stop_notice import StopNotice, with_stop_notice
from bridge.storage.shared_changes import purge_notes
from bridge.storage.write_queue import WriteQueue
from bridge.supervision.tasks import awaited
from bridge.wiring.cluster import hold_pbxs, instance_health, open_leases
from bridge.wiring.forwarding import open_forwarding, open_placements
from bridge.wiring.held_pbxs import NodeHolder
from bridge.wiring.phone_call_events import SharedBy
from bridge.wiring.placement import follow_pbxs
from bridge.wiring.rounds import Purges
from bridge.wiring.shared_events import shared_deliveries
from bridge.wiring.shared_memory import SharedMemory, open_shared_directory

log = structlog.get_logger()

# Without the database a stop goes on after it, with the instances that were known before.
_LOOKED_WITHIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Several:
    """`directory` has the secrets that all instances share. No lease is claimed before `begin`."""

    settings: Settings
    engine: AsyncEngine
    leases: OpenedLeases
    memory: SharedMemory
    directory: CurrentDirectory
    calls_away: CallsAway
    notice: StopNotice = field(default_factory=StopNotice)

    def deliveries(self, queue: WriteQueue) -> SharedBy:
        """The share of this instance in the deliveries of events."""
        return shared_deliveries(self.settings, self.engine, queue, self.leases)

    def codes(self, queue: WriteQueue, lifetime_s: float) -> Codes:
        """Codes that another instance may be told."""
        return SharedCodes(self.engine, queue, lifetime_s, Seal)

    def health(self, nodes: HeldNodes) -> InstanceHealth:
        """The part of /health/ready about the instances and their PBXs."""
        return instance_health(self.settings, self.leases, nodes, self.notice)

    async def seen_ms(self, pbx: str) -> int:
        """As `pbx_states.seen_ms`."""
        return await seen_ms(self.engine, pbx)

    def may_purge(self) -> bool:
        """One instance removes the old rows of all."""
        return self.leases.keeper.held(PURGE) is not None

    def purges(self, queue: WriteQueue) -> Purges:
        """Of the rows that only several instances have."""
        return {"shared_changes": lambda _: purge_notes(queue)}

    async def surround(
        self, stack: AsyncExitStack, app: web.Application, services: Services, queue: WriteQueue
    ) -> None:
        """Have requests get to the holder of their PBX. Raises StorageUnavailable."""
        keeper = self.leases.keeper
        placements = await open_placements(
            stack, self.settings, self.engine, self.directory, self.calls_away
        )
        surround = await open_forwarding(
            stack,
            self.settings,
            services,
            self.engine,
            keeper,
            placements,
            queue.caught_up,
            self.memory,
            keeper,
        )
        surround(app)
        forwarded = app[AROUND]
        app[AROUND] = Around(lambda x: with_stop_notice(forwarded.wrap(x), self.notice))
        self._follow_pbxs(stack, placements, services.nodes)

    def _follow_pbxs(self, stack: AsyncExitStack, placements: Placements, nodes: HeldNodes) -> None:
        if isinstance(placements, StoredPlacements):
            follow_pbxs(
                stack, self.settings, self.engine, self.leases, self.memory, placements, nodes
            )

    def begin(self, stack: AsyncExitStack, holder: NodeHolder, queue: WriteQueue) -> None:
        """Claim leases, and have the holder hold the PBXs, until the stack hands them over."""
        hold_pbxs(stack, self.settings, self.leases, holder, queue)

    async def give_notice(self, hurry: asyncio.Event) -> None:
        """Say that this instance stops, and hand all over; return once clients may have moved.

        That takes the time of the setting, or until `hurry`, but at least until the leases are
        handed over. Every request is answered meanwhile. If no other instance lives, or if the
        setting is 0, nothing is done.
        """
        keeper, notice_s = self.leases.keeper, self.settings.stop_notice_s
        if not notice_s or not (others := await self._others()):
            return
        self.notice.given = True
        log.info("stop_notice_given", seconds=notice_s, others=others)
        leaving = awaited(keeper.step_back(), "step_back")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(notice_s):
                await hurry.wait()
        await leaving

    async def _others(self) -> list[str]:
        """The names of those that live, also of one that has just been started."""
        keeper = self.leases.keeper
        with contextlib.suppress(StorageUnavailable, TimeoutError):
            async with asyncio.timeout(_LOOKED_WITHIN_S):
                await keeper.look_again()
        return [x.name for x in keeper.all_instances() if x.lives and x.name != keeper.own]


async def open_several(stack: AsyncExitStack, settings: Settings, engine: AsyncEngine) -> Several:
    """`stack` ends it. Raises StorageUnavailable, DirectoryError, SecretsFileError."""
    leases = await open_leases(stack, settings, engine, lambda: several.directory.hash)
    memory = SharedMemory(engine, leases.hints)
    await memory.start(stack)
    directory = await asyncio.to_thread(open_shared_directory, settings, memory.clock.now_ms)
    several = Several(settings, engine, leases, memory, directory, CallsAway())
    return several
