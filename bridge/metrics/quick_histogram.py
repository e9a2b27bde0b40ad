"""A histogram that costs little to add to, for what happens with every event of the PBX.

prometheus-client guards each value with locks, since threads may share it. All of ours are added on
the event loop, and a scrape reads them there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector


class QuickHistogram(Collector):
    """`buckets`: their upper bounds, ascending. A last one without a bound is added."""

    def __init__(
        self, name: str, text: str, buckets: Sequence[float], registry: CollectorRegistry
    ) -> None:
        self._name = name
        self._text = text
        self._bounds = tuple(float(x) for x in buckets)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0
        registry.register(self)

    def observe(self, value: float) -> None:
        """Count the value in its bucket."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def collect(self) -> Iterator[Metric]:
        """The values for a scrape: each bucket counts those of the buckets below it as well."""
        names = (*map(repr, self._bounds), "+Inf")
        counts = zip(names, map(float, accumulate(self._counts)), strict=True)
        yield HistogramMetricFamily(
            self._name, self._text, buckets=list(counts), sum_value=self._sum
        )

    def describe(self) -> Iterator[Metric]:
        """The name alone, so that the registry can refuse a second one."""
        yield HistogramMetricFamily(self._name, self._text)
