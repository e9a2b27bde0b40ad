"""Tells the other instances that there are changes to read, and waits until they have read them."""

from __future__ import annotations

import asyncio

import structlog
from yarl import URL

from bridge.cluster.forward_client import (
    ForwardBroken,
    ForwardClient,
    NotCarriedOut,
    OutgoingRequest,
)
from bridge.cluster.forward_header import Forward
from bridge.cluster.instances import Instance, Instances
from bridge.cluster.lease import Lease
from bridge.cluster.shared_clock import SharedClock
from bridge.supervision.tasks import awaited

log = structlog.get_logger()

CHANGES = "changes"
"""The wish of a forwarded request: to be answered once all changes are read."""

WITHIN_S = 1.0
"""An instance that does not answer by then finds the changes by itself, soon after."""


class ToldInstances:
    """Those that live, as last read. A newer one has read everything at its start."""

    def __init__(
        self, own_name: str, instances: Instances, client: ForwardClient, clock: SharedClock
    ) -> None:
        self._own_name = own_name
        self._instances = instances
        self._client = client
        self._clock = clock

    async def ask(self) -> None:
        """Return once each has read all that is committed, or after `WITHIN_S`."""
        others = [x for x in self._instances.all_instances() if x.lives]
        asking = [awaited(self._one(x), "tell_changes") for x in others if x.name != self._own_name]
        if asking:
            await asyncio.wait(asking, timeout=WITHIN_S)
        for late in asking:
            late.cancel()

    async def _one(self, other: Instance) -> None:
        forward = Forward(
            sender=self._own_name,
            receiver=other.name,
            pbx="",
            deadline_ms=self._clock.now_ms() + int(WITHIN_S * 1000),
            wanted=CHANGES,
        )
        host = URL(other.url).authority
        request = OutgoingRequest("POST", "/internal/changes", host, {}, b"")
        lease = Lease("", other.name, 0, other.url)
        try:
            async with self._client.answer(lease, forward, request, WITHIN_S):
                pass
        except (ForwardBroken, NotCarriedOut) as why:
            log.info("changes_not_told", instance=other.name, why=str(why))
