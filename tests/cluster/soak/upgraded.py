"""What came of an upgrade under load, request by request and call by call."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple


class Answered(NamedTuple):
    """One request. `status`: 0 where no answer came; `code`: of a refusal."""

    at_s: float
    took_s: float
    method: str
    status: int
    code: str


@dataclass
class Upgraded:
    """What came of it. `faults`: lines of the instances' logs that nobody wants to see.

    `dialled`: how often, by the id of the call. `live`: the calls that the PBXs still have.
    """

    answers: list[Answered] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    finals: set[str] = field(default_factory=set)
    told: Counter[str] = field(default_factory=Counter)
    dialled: Counter[str] = field(default_factory=Counter)
    live: set[str] = field(default_factory=set)
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def wrong(self) -> list[str]:
        """What is not as it must be; empty if all is."""
        all_of_them = set(self.accepted)
        ended = all_of_them - self.live
        found = {
            "still live": len(self.live),
            "given up": len(self.given_up),
            "accepted twice": len(self.accepted) - len(all_of_them),
            "without a final record": len(ended - self.finals),
            "hang-up events lost": sum(self.told[x] == 0 for x in ended),
            "hang-up events doubled": sum(self.told[x] > 1 for x in all_of_them),
            "never dialled": sum(self.dialled[x] == 0 for x in all_of_them),
            "dialled twice": sum(x > 1 for x in self.dialled.values()),
            "dialled without an answer": len(self.dialled.keys() - all_of_them),
            "refusals": sum(x.status == 0 or x.status >= 500 for x in self.answers),
        }
        return [f"{name}: {count}" for name, count in found.items() if count]

    def report(self) -> str:
        by_status: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for x in self.answers:
            by_status[x.method][f"{x.status} {x.code}".strip()] += 1
        took = sorted(x.took_s for x in self.answers)
        lines = [
            f"requests {len(self.answers)}, calls {len(self.accepted)}, "
            f"5xx or no answer {sum(x.status in (0, *range(500, 600)) for x in self.answers)}",
            f"answers { {k: dict(v) for k, v in by_status.items()} }",
            f"took: median {1000 * took[len(took) // 2]:.0f} ms, 99 % "
            f"{1000 * took[len(took) * 99 // 100]:.0f} ms, longest {took[-1]:.2f} s, "
            f"more than 1 s: {sum(x > 1 for x in took)}",
            f"wrong: {', '.join(self.wrong) or 'nothing'}",
        ]
        lines += [f"in the logs {count} times: {line}" for line, count in self.faults.items()]
        lines += self.given_up[:10]
        refused = [x for x in self.answers if x.status == 0 or x.status >= 500 or x.took_s > 1]
        lines += [str(x) for x in refused[:40]]
        return "\n".join(lines)
