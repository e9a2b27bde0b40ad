"""Which organizations leave a PBX, and where they go. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

DOWN_S = 4.0
"""A PBX is down for so long before its organizations leave it: a restart takes less."""

SETTLED_S = 10.0
"""A PBX is ready for so long before it gets organizations: one that comes and goes gets none."""

PLACED_EVERY_S = 2.0
"""A move of an organization is told by a hint; after this time it is known without one."""


class PbxCondition(Enum):
    """The condition of a PBX, as its holder says."""

    READY = "ready"  # calls can be placed
    STARTING = "starting"  # it answers, and its phones are being made
    DOWN = "down"  # its holder has no session with it
    UNKNOWN = "unknown"  # nobody has said anything of it for a while: perhaps it works


@dataclass(frozen=True, slots=True)
class PbxState:
    """`for_s`: since when it is in this condition. `draining`: no organization shall be on it."""

    name: str
    condition: PbxCondition
    for_s: float
    draining: bool = False

    @property
    def is_left(self) -> bool:
        """Whether its organizations go to another one."""
        dead = self.condition is PbxCondition.DOWN and self.for_s >= DOWN_S
        return self.draining or dead

    @property
    def is_target(self) -> bool:
        """Whether it may get organizations of others."""
        ready = self.condition is PbxCondition.READY and self.for_s >= SETTLED_S
        return ready and not self.draining


def moves(placed: Mapping[str, str], states: Sequence[PbxState]) -> dict[str, str]:
    """The organizations that move, each with its new PBX.

    `placed`: the PBX of each organization. Without a PBX that works nothing moves. Nothing goes
    back by itself either: an organization stays where it is while that PBX works.
    """
    left = {x.name for x in states if x.is_left}
    targets = [x.name for x in states if x.is_target]
    if not targets:
        return {}
    return {x: first_pbx(x, targets) for x, pbx in placed.items() if pbx in left}


def names_for_new(states: Sequence[PbxState]) -> list[str]:
    """The PBXs among which a new organization is placed: those that are not left, or else all."""
    return [x.name for x in states if not x.is_left] or [x.name for x in states]


def first_pbx(organization: str, pbx_names: Sequence[str]) -> str:
    """The PBX of an organization by its hash. One more name moves only the share that it gets."""

    def weight(name: str) -> bytes:
        return hashlib.sha256(f"{organization}\0{name}".encode()).digest()

    return max(pbx_names, key=weight)
