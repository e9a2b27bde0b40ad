"""Says, for all instances, how the PBXs are that this instance holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.cluster.pbx_states import TELL_EVERY_S, ToldState, tell
from bridge.cluster.placement_choice import PbxCondition

LOOK_EVERY_S = 0.25
FIRST_S = 2.0
"""A new holder has no session yet: for so long that says nothing of the PBX."""


@dataclass(frozen=True, slots=True)
class HeldPbx:
    """A PBX that this instance holds under `epoch`, as it is now.

    `for_s`: for how long it is so at least.
    """

    epoch: int
    condition: PbxCondition
    for_s: float


class PbxReports:
    """`held`: the PBXs that this instance may act for at this moment, by their names.

    An instance that cannot reach the database says nothing, and then nobody knows.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        held: Callable[[], Mapping[str, HeldPbx]],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._held = held
        self._monotonic_s = monotonic_s
        self._since: dict[str, tuple[PbxCondition, float]] = {}
        self._known: dict[str, int] = {}  # the epochs under which something has been said
        self._told: list[tuple[str, PbxCondition]] = []
        self._told_s = 0.0

    async def look(self) -> None:
        """Say it, if something has changed or a second is over. Raises StorageUnavailable."""
        now_s, held = self._monotonic_s(), self._that_count(self._held())
        for name, one in held.items():
            before = self._since.get(name)
            if before is None or before[0] is not one.condition:
                self._since[name] = one.condition, now_s - one.for_s
        self._since = {x: y for x, y in self._since.items() if x in held}
        seen = [(x, y.condition) for x, y in held.items()]
        if not seen or (seen == self._told and now_s - self._told_s < TELL_EVERY_S):
            return
        states = [
            ToldState(x, y.epoch, y.condition, now_s - self._since[x][1]) for x, y in held.items()
        ]
        await tell(self._engine, states)
        self._told, self._told_s = seen, now_s

    def _that_count(self, held: Mapping[str, HeldPbx]) -> dict[str, HeldPbx]:
        known = {x: y.epoch for x, y in held.items() if self._known.get(x) == y.epoch}
        for name, one in held.items():
            if one.condition is not PbxCondition.DOWN or one.for_s >= FIRST_S:
                known[name] = one.epoch
        self._known = known
        return {x: y for x, y in held.items() if x in known}
