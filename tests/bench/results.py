"""What a run of the benchmark has found, and its form on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .concurrency import Point
from .figures import Figure, Measure

FILE = "bench.json"


@dataclass(frozen=True, slots=True)
class Results:
    """`cpu_ms`: by path and process, of a call in a rush. `events`: how many a call has.

    `conditions`: machine, versions, settings and plan.
    """

    measures: Sequence[Measure]
    cpu_ms: Mapping[str, Mapping[str, float]]
    concurrency: Sequence[Point]
    events: int
    conditions: Mapping[str, Mapping[str, Any]]

    def measure(self, name: str) -> Measure:
        """The first row of that name."""
        return next(x for x in self.measures if x.name == name)

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        found = {
            **self.conditions,
            "events": self.events,
            "measures": [{**asdict(x), "reached": x.reached} for x in self.measures],
            "cpu_ms": self.cpu_ms,
            "concurrency": [asdict(x) for x in self.concurrency],
        }
        (folder / FILE).write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, file: Path) -> Results:
        found = json.loads(file.read_text())
        measures, points = found.pop("measures"), found.pop("concurrency")
        for row in measures:
            del row["reached"]
        return cls(
            measures=[Measure(**_with_figures(x)) for x in measures],
            concurrency=[Point(**_with_figures(x)) for x in points],
            cpu_ms=found.pop("cpu_ms"),
            events=found.pop("events"),
            conditions=found,
        )


def _with_figures(row: dict[str, Any]) -> dict[str, Any]:
    return {name: Figure(**x) if isinstance(x, dict) else x for name, x in row.items()}
