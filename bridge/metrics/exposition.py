"""The metrics as text, made when a scraper asks."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import generate_latest

from bridge.metrics.declared import Metrics

Exposition = Callable[[], bytes]


def exposition(metrics: Metrics, look: Callable[[], None]) -> Exposition:
    """The whole text. `look` sets the gauges that no part keeps current."""

    def text() -> bytes:
        look()
        return generate_latest(metrics.registry)

    return text
