from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from bridge.metrics.quick_histogram import QuickHistogram

BUCKETS = (0.005, 1, 2.5)


@pytest.mark.parametrize("values", [[], [0.005, 0.006, 1, 2.5, 2.6, 300]])
def test_given_values_then_a_scrape_reads_the_same_as_of_the_librarys_histogram(
    values: list[float],
) -> None:
    mine, theirs = CollectorRegistry(), CollectorRegistry()
    quick = QuickHistogram("uapi_waits", "How long.", BUCKETS, mine)
    plain = Histogram("uapi_waits", "How long.", buckets=BUCKETS, registry=theirs)
    for value in values:
        quick.observe(value)
        plain.observe(value)
    assert generate_latest(mine) == generate_latest(theirs)


def test_given_a_name_that_is_taken_then_it_is_refused() -> None:
    registry = CollectorRegistry()
    QuickHistogram("uapi_waits", "How long.", BUCKETS, registry)
    with pytest.raises(ValueError, match="uapi_waits"):
        QuickHistogram("uapi_waits", "Again.", BUCKETS, registry)
