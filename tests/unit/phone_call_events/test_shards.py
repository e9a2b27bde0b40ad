"""Every version and every machine agrees on the shard of a subscription."""

from __future__ import annotations

from collections import Counter

from bridge.cluster.lease import SHARDS
from bridge.phone_call_events.shards import resource_of, shard_of
from bridge.phone_call_events.subscription import new_subscription_id


def test_the_shard_of_an_id_never_changes() -> None:
    assert [shard_of(x) for x in ("a", "statusc3e92a04ff422a7a0b9f", "x" * 30)] == [3, 3, 0]
    assert resource_of("a") == "hooks:3"


def test_ids_are_spread_over_all_shards() -> None:
    counts = Counter(shard_of(new_subscription_id()) for _ in range(16_000))
    assert set(counts) == set(range(SHARDS))
    assert max(counts.values()) < 2 * min(counts.values())
