"""How long the benchmark measures what."""

from __future__ import annotations

from dataclasses import dataclass, replace

REPORTED_CALLS = (10, 100, 1_000, 10_000)
"""Live calls at which a list is asked for."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`at_once`: calls that are being made at the same time. Counts are per round and path."""

    rounds: int = 5
    calls: int = 600
    warm_up_calls: int = 150
    at_once: int = 50
    single_calls: int = 150
    """One at a time, for latencies without a queue."""
    concurrency: tuple[int, ...] = (1, 2, 5, 10, 20, 50, 100)
    """Calls at once, one point of the curves each."""
    concurrency_calls: int = 200
    concurrency_rounds: int = 3
    commits: int = 100
    steady_per_s: float = 250
    """Calls that begin in each second, however the ones before fare."""
    steady_seconds: float = 5.0
    steady_rounds: int = 5
    list_requests: int = 300
    list_rounds: int = 5
    live_calls: tuple[int, ...] = REPORTED_CALLS
    lag_seconds: float = 5.0
    lag_rounds: int = 3
    resync_calls: int = 1_000
    resync_rounds: int = 5
    start_rounds: int = 5
    deliveries: int = 1_000
    delivery_rounds: int = 5
    listeners: int = 1_000
    wallboards: int = 10
    listener_calls_per_s: float = 50
    listener_seconds: float = 5.0
    listener_rounds: int = 3

    def with_rounds(self, rounds: int) -> Plan:
        return replace(
            self,
            rounds=rounds,
            concurrency_rounds=rounds,
            steady_rounds=rounds,
            list_rounds=rounds,
            lag_rounds=rounds,
            resync_rounds=rounds,
            start_rounds=rounds,
            delivery_rounds=rounds,
            listener_rounds=rounds,
        )


SHORT = Plan(
    rounds=1,
    calls=20,
    warm_up_calls=5,
    at_once=5,
    single_calls=5,
    concurrency=(1, 5),
    concurrency_calls=5,
    concurrency_rounds=1,
    commits=5,
    steady_per_s=50,
    steady_seconds=0.3,
    steady_rounds=1,
    list_requests=5,
    list_rounds=1,
    live_calls=(10, 100),
    lag_seconds=0.5,
    lag_rounds=1,
    resync_calls=5,
    resync_rounds=1,
    start_rounds=1,
    deliveries=20,
    delivery_rounds=1,
    listeners=10,
    wallboards=2,
    listener_calls_per_s=20,
    listener_seconds=0.2,
    listener_rounds=1,
)
"""Says nothing about speed; shows that every measure still works."""
