"""docs/metrics.md lists every metric, with its kind, labels and help, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client import Metric

from bridge.metrics.declared import Metrics

PAGE = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text()
ROW = re.compile(r"\| `(uapi_\w+)` \| (\w+) \| ([^|]+) \| ([^|]+) \|")


def declared() -> dict[str, Metric]:
    found = {x.name: x for x in Metrics().registry.collect() if x.name.startswith("uapi_")}
    return {f"{k}_total" if x.type == "counter" else k: x for k, x in found.items()}


def test_every_metric_has_its_row() -> None:
    rows = {x[1]: (x[2], x[4]) for x in ROW.finditer(PAGE)}
    assert rows == {name: (x.type, x.documentation) for name, x in declared().items()}


def test_every_row_has_the_labels_of_its_metric() -> None:
    """A metric with labels has no sample before the first one is counted."""
    for row in ROW.finditer(PAGE):
        labels = re.findall(r"`(\w+)`", row[3])
        samples = declared()[row[1]].samples
        assert bool(samples) is not bool(labels), row[1]
