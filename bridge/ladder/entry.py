"""The entries of a ladder, and its limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

ENTRIES_MAX = 1000
LANES_MAX = 12
OTHERS = "others"
"""The lane of all parties beyond the limit."""


class LadderKind(Enum):
    """The kinds of entries. The value is a class of the SVG."""

    CALL = "call"
    SIP = "sip"
    REQUEST = "request"
    PBX_EVENT = "pbx-event"
    WEBHOOK = "webhook"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class LadderEntry:
    """One arrow from a lane to another, or a note where both are the same.

    `at_ms`: since 1970, or since any moment that all entries share. `label` is short; `detail` may
    be a whole message. `failed`: it tells of a failure, and is marked.
    """

    at_ms: int
    sender: str
    receiver: str
    label: str
    detail: str = ""
    kind: LadderKind = LadderKind.CALL
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Ladder:
    """`lanes` from left to right; `entries` by their moments, each between two lanes of these.

    `left_out`: so many entries are missing in the middle, after the entry number `gap_at`.
    """

    lanes: Sequence[str]
    entries: Sequence[LadderEntry]
    left_out: int = 0
    gap_at: int = 0

    @property
    def begin_ms(self) -> int:
        """The moment of the first entry; 0 without one."""
        return self.entries[0].at_ms if self.entries else 0

    @classmethod
    def of(
        cls,
        entries: Iterable[LadderEntry],
        first_lanes: Sequence[str] = (),
        *,
        entries_max: int = ENTRIES_MAX,
    ) -> Ladder:
        """The entries by their moments. Equal moments keep the order in which they are given.

        `first_lanes` stand on the left, as far as an entry has them; the others follow in the order
        in which they come. Of more entries than `entries_max` the first half and the newest half
        are kept, of more lanes than LANES_MAX the last ones are one lane.
        """
        ordered = sorted(entries, key=lambda x: x.at_ms)
        left_out = max(0, len(ordered) - entries_max)
        gap_at = entries_max - entries_max // 2 if left_out else 0
        if left_out:
            ordered = ordered[:gap_at] + ordered[len(ordered) - entries_max // 2 :]
        lanes = _lanes(ordered, first_lanes)
        if len(lanes) > LANES_MAX:
            kept = lanes[: LANES_MAX - 1]
            ordered = [_within(x, kept) for x in ordered]
            lanes = [*kept, OTHERS]
        return cls(tuple(lanes), tuple(ordered), left_out, gap_at)


def _lanes(entries: Sequence[LadderEntry], first_lanes: Sequence[str]) -> list[str]:
    seen = dict.fromkeys(lane for x in entries for lane in (x.sender, x.receiver))
    first = [x for x in dict.fromkeys(first_lanes) if x in seen]
    return first + [x for x in seen if x not in first]


def _within(entry: LadderEntry, kept: Sequence[str]) -> LadderEntry:
    sender = entry.sender if entry.sender in kept else OTHERS
    receiver = entry.receiver if entry.receiver in kept else OTHERS
    return replace(entry, sender=sender, receiver=receiver)
