"""The figures of a load run: percentiles, and failures by cause. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

PERCENTS = (50, 90, 95, 99)
MEASURES = ("create", "answer", "end")
"""The request of a create; from the create to the answer of the destination; from the DELETE to the
end of the call. All in ms."""


@dataclass(slots=True)
class LoadCall:
    """One call. `began_s`: after the start of the run. `cause`: empty for one that went well."""

    began_s: float
    create_ms: float | None = None
    answer_ms: float | None = None
    end_ms: float | None = None
    cause: str = ""


@dataclass(slots=True)
class LoadResults:
    """All calls of a run, in the order in which they began."""

    calls: list[LoadCall] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """How many did not go as the scenario says."""
        return sum(1 for x in self.calls if x.cause)

    def causes(self) -> list[tuple[str, int]]:
        """Each cause with its number of calls, the most frequent first."""
        return Counter(x.cause for x in self.calls if x.cause).most_common()

    def percentiles(self) -> dict[str, dict[str, float]]:
        """`{"answer": {"p50": 12.0, …, "max": 80.0}}`: only of the measures that there are."""
        found = {}
        for name in MEASURES:
            values = sorted(
                x for x in (getattr(call, f"{name}_ms") for call in self.calls) if x is not None
            )
            if values:
                found[name] = percentiles_of(values)
        return found

    def as_json(self, seconds: float) -> dict[str, object]:
        """The results of a run that lasted so long, for a file."""
        return {
            "calls": len(self.calls),
            "failed": self.failed,
            "callsPerSecond": round(len(self.calls) / seconds, 2) if seconds else 0,
            "milliseconds": self.percentiles(),
            "causes": dict(self.causes()),
        }


def percentiles_of(ordered: Sequence[float]) -> dict[str, float]:
    """By nearest rank, of values in ascending order; there is at least one."""
    ranks = {f"p{x}": ordered[max(0, -(-len(ordered) * x // 100) - 1)] for x in PERCENTS}
    return {**{k: round(v, 1) for k, v in ranks.items()}, "max": round(ordered[-1], 1)}


def per_second(calls: Iterable[LoadCall], seconds: int) -> list[tuple[int, int]]:
    """For each second: calls that went well, and calls that failed."""
    found = [[0, 0] for _ in range(max(1, seconds))]
    for call in calls:
        place = min(max(0, int(call.began_s)), len(found) - 1)
        found[place][1 if call.cause else 0] += 1
    return [(well, failed) for well, failed in found]
