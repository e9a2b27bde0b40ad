"""The nodes of an instance of several: one for each PBX whose lease it holds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Protocol

import structlog

from bridge.cluster.lease import Lease, Leases, pbx_resource
from bridge.config.settings import Settings
from bridge.faults import Fenced, StorageUnavailable
from bridge.keyed_locks import KeyedLocks
from bridge.storage.fence import Fence
from bridge.storage.fenced_writes import FencedWrites
from bridge.storage.write_queue import WriteQueue
from bridge.supervision.conditions import Condition
from bridge.supervision.task_set import TaskSet

log = structlog.get_logger()

PBX_RESOURCES = pbx_resource("")
"""The beginning of the resource of each PBX."""

_RETRY_S = 0.25
# Of a hand-over: after so long the lease is released, whatever the database does.
_WRITTEN_WITHIN_S = 2.0


class NodeHolder(Protocol):
    """The instance, as this needs it."""

    async def begin_node(
        self,
        settings: Settings,
        writes: FencedWrites,
        may_act: Callable[[], bool],
        *,
        taken_over: bool,
    ) -> None:
        """Hold the node. Raises StorageUnavailable."""

    async def end_node(self, name: str) -> None:
        """Hold the node no longer; nothing of it is left when this returns."""

    def cut_node(self, name: str) -> None:
        """Say nothing more to its PBX, and end its streams, before this returns.

        Does nothing if the node is not held.
        """


class HeldPbxs:
    """Implements LeaseListener for the resources `pbx:…`.

    `settings`: one for each PBX. A node writes under the epoch of its lease, and another turn with
    the lease is another node. While the lease is paused the node is read-only: its writes that
    somebody waits for are refused, and so is what asks the PBX for something new.
    """

    def __init__(
        self, holder: NodeHolder, leases: Leases, queue: WriteQueue, settings: Iterable[Settings]
    ) -> None:
        self._holder = holder
        self._leases = leases
        self._queue = queue
        self._settings = {pbx_resource(x.pbx_name): x for x in settings}
        self._turns = KeyedLocks()
        self._held: dict[str, Lease] = {}
        self._begun: set[str] = set()
        self._tasks = TaskSet("held_pbx")

    def won(self, lease: Lease) -> None:
        self._held[lease.resource] = lease
        self._tasks.begin(self._begin(lease))

    def paused(self, lease: Lease) -> None:
        """The node asks `may_act` before each act; more is not needed."""

    def resumed(self, lease: Lease) -> None:
        """As `paused`."""

    def lost(self, lease: Lease) -> None:
        if self._held.get(lease.resource) != lease:
            return  # after a hand-over
        del self._held[lease.resource]
        self._holder.cut_node(self._name(lease))
        self._tasks.begin(self._end(lease))

    async def hand_over(self, lease: Lease) -> None:
        """Returns once the calls that were being placed are placed, and all is written."""
        self._held.pop(lease.resource, None)
        await self._end(lease)
        if not await self._queue.caught_up(within_s=_WRITTEN_WITHIN_S):
            log.warning("hand_over_not_written", resource=lease.resource)

    async def stop(self) -> None:
        """End all nodes that are left."""
        await self._tasks.stop()
        for lease in list(self._held.values()):
            await self.hand_over(lease)

    async def _begin(self, lease: Lease) -> None:
        resource = lease.resource
        fence = Fence(resource, lease.epoch, lease.holder)

        def may_act() -> bool:
            return self._leases.held(resource) == lease

        async with self._turns.of(resource):
            waits = Condition(
                "node_not_started", "node_started_late", level=logging.WARNING, resource=resource
            )
            while self._held.get(resource) == lease:
                writes = FencedWrites(self._queue, lambda: fence if may_act() else None)
                try:
                    await self._holder.begin_node(
                        self._settings[resource], writes, may_act, taken_over=lease.epoch > 1
                    )
                except (StorageUnavailable, Fenced) as why:
                    waits.begin(str(why))
                except Exception:
                    log.exception("node_not_started", resource=resource)
                else:
                    self._begun.add(resource)
                    waits.end()
                    break
                await asyncio.sleep(_RETRY_S)
            else:
                return
            log.info("node_started", resource=resource, epoch=lease.epoch)
        if self._held.get(resource) != lease:  # lost while it began
            self._holder.cut_node(self._name(lease))
            await self._end(lease)

    async def _end(self, lease: Lease) -> None:
        async with self._turns.of(lease.resource):
            if lease.resource in self._begun:
                self._begun.discard(lease.resource)
                await self._holder.end_node(self._name(lease))
                log.info("node_stopped", resource=lease.resource, epoch=lease.epoch)

    def _name(self, lease: Lease) -> str:
        return self._settings[lease.resource].pbx_name
