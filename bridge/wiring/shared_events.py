"""Wiring of deliveries that several instances share: each shard writes under its own lease."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.cluster.lease import Lease
from bridge.cluster.opened_leases import OpenedLeases
from bridge.config.settings import Settings
from bridge.phone_call_events.delivery_context import DeliveryContext
from bridge.phone_call_events.shared_deliveries import SharedDeliveries
from bridge.phone_call_events.store.attempt_store import AttemptStore
from bridge.phone_call_events.store.delivery_store import EventDeliveryStore
from bridge.phone_call_events.subscription import Subscription
from bridge.storage.fence import Fence
from bridge.storage.fenced_writes import FencedWrites
from bridge.storage.write_queue import WriteQueue

SHARDS_PREFIX = "hooks:"


def shared_deliveries(
    settings: Settings, engine: AsyncEngine, queue: WriteQueue, opened: OpenedLeases
) -> Callable[[DeliveryContext], SharedDeliveries]:
    """For `open_phone_call_events`: the deliveries of the shards whose leases this instance has."""
    leases = opened.keeper

    def shared_by(context: DeliveryContext) -> SharedDeliveries:
        def context_of(lease: Lease) -> DeliveryContext:
            def is_held() -> bool:
                return leases.held(lease.resource) == lease

            def find(subscription_id: str) -> Subscription | None:
                return context.find(subscription_id) if is_held() else None

            fence = Fence(lease.resource, lease.epoch, lease.holder)
            writes = FencedWrites(queue, lambda: fence if is_held() else None)
            return replace(
                context,
                store=EventDeliveryStore(engine, writes),
                attempts=AttemptStore(engine, writes, settings.timeline_entries_max),
                find=find,
            )

        deliveries = SharedDeliveries(context, context_of, opened.hints)
        leases.listen(SHARDS_PREFIX, deliveries)
        return deliveries

    return shared_by
