"""Which subscriptions are delivered together, where several instances share the work.

Each subscription is in one shard, always in the same. One instance at a time delivers to a shard:
the holder of its lease.
"""

from __future__ import annotations

import zlib

from bridge.cluster.lease import SHARDS, shard_resource


def shard_of(subscription_id: str) -> int:
    """The number of its shard. Every version and every machine must agree on it."""
    return zlib.crc32(subscription_id.encode()) % SHARDS


def resource_of(subscription_id: str) -> str:
    """The resource whose holder delivers to the subscription."""
    return shard_resource(shard_of(subscription_id))
