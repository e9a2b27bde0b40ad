"""How far the work of a cluster is behind: live calls, and deliveries that wait. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.phone_call_events.shards import shard_of

LIVE_CALLS = "SELECT pbx, count(*) AS live_calls FROM calls WHERE ended_ms IS NULL GROUP BY pbx"
"""By PBX, as they are on disk."""

# The clock of the database; an event has the moment of its PBX.
WAITING = (
    "SELECT subscription_id, count(*) AS waiting,"
    " (extract(epoch FROM clock_timestamp()) * 1000)::bigint - min(occurred_ms) AS oldest_ms"
    " FROM event_deliveries WHERE state = 'waiting' GROUP BY subscription_id"
)
"""By subscription: the deliveries that wait, and the age of the oldest in milliseconds."""


@dataclass(frozen=True, slots=True)
class ShardLag:
    """`waiting`: deliveries. `oldest_ms`: the age of the oldest; 0 without one."""

    waiting: int = 0
    oldest_ms: int = 0


@dataclass(frozen=True, slots=True)
class ClusterLag:
    """`live_calls`: by the name of a PBX. `shards`: by their numbers, those that wait."""

    live_calls: Mapping[str, int] = field(default_factory=dict)
    shards: Mapping[int, ShardLag] = field(default_factory=dict)


def cluster_lag(
    live_calls: Iterable[Mapping[str, Any]], waiting: Iterable[Mapping[str, Any]]
) -> ClusterLag:
    """Of the rows of `LIVE_CALLS` and `WAITING`."""
    shards: dict[int, ShardLag] = {}
    for row in waiting:
        number = shard_of(row["subscription_id"])
        before = shards.get(number, ShardLag())
        oldest_ms = max(0, before.oldest_ms, row["oldest_ms"])
        shards[number] = ShardLag(before.waiting + row["waiting"], oldest_ms)
    return ClusterLag({x["pbx"]: x["live_calls"] for x in live_calls}, shards)
