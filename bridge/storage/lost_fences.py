"""Writes whose lease has another epoch are refused, or dropped."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Sequence

import structlog

from bridge.faults import Fenced
from bridge.storage.fence import Fence
from bridge.storage.waiting_group import WaitingGroup

log = structlog.get_logger()


class LostFences:
    """Refuses and drops the groups of lost fences. `told` hears of each such fence once, soon."""

    def __init__(self, told: Callable[[Fence], None]) -> None:
        self._told = told
        # By resource, so that it does not grow. The database alone says whether a fence is lost:
        # one restored from a backup gives the same epoch out a second time.
        self._last: dict[str, Fence] = {}

    def without(
        self, groups: Sequence[WaitingGroup], lost: Collection[Fence]
    ) -> list[WaitingGroup]:
        """The groups of other fences, and of none. Those who wait for the others get Fenced."""
        left: list[WaitingGroup] = []
        dropped: Counter[Fence] = Counter()
        for group in groups:
            if group.fence is None or group.fence not in lost:
                left.append(group)
            elif group.answer is None:
                dropped[group.fence] += bool(group.writes)
            elif not group.answer.done():
                group.answer.set_exception(Fenced(_why(group.fence)))
        for fence, count in (+dropped).items():  # without those of groups that write nothing
            log.warning(
                "writes_of_lost_lease_dropped",
                resource=fence.resource,
                epoch=fence.epoch,
                groups=count,
            )
        for fence in lost:
            if self._last.get(fence.resource) != fence:
                self._last[fence.resource] = fence
                asyncio.get_running_loop().call_soon(self._told, fence)
        return left


def _why(fence: Fence) -> str:
    return f"another instance has taken {fence.resource} over"
