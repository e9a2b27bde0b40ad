"""A group of writes that waits in the write queue, and its waiting caller."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import structlog

from bridge.storage.fence import Fence
from bridge.storage.statement import Counts, Group

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WaitingGroup:
    """`answer` is None for writes that nobody waits for; these alone are tried again.

    `fence`: the lease that they are written under; None for writes that any instance may do.
    `came_s`: when they were submitted, of the loop's clock.
    """

    writes: Group
    answer: asyncio.Future[Counts] | None = None
    key: Hashable = None
    final: bool = False
    written: Callable[[], None] | None = None
    fence: Fence | None = None
    came_s: float = 0.0

    def applied(self, counts: Counts) -> None:
        """The group is on disk: give the row counts to the caller, and call `written`."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(counts)
        if self.written is not None:
            try:
                self.written()
            except Exception:  # of who submitted; the writing goes on
                log.exception("written_callback_failed", statements=names(self.writes))


def without_superseded(groups: list[WaitingGroup]) -> list[WaitingGroup]:
    """The groups, without those that a later group of the same key overwrites."""
    newest = {group.key: number for number, group in enumerate(groups)}
    return [
        group
        for number, group in enumerate(groups)
        if group.key is None or group.final or newest[group.key] == number
    ]


def fences_of(groups: Sequence[WaitingGroup]) -> list[Fence]:
    """Each fence of the groups once, in an order that is the same for all who lock them."""
    fences = {group.fence for group in groups if group.fence is not None}
    return sorted(fences) if fences else []


def refuse(group: WaitingGroup, error: Exception) -> None:
    """Give `error` to the waiting caller, or log the writes as lost."""
    if group.answer is None:
        log.error(
            "writes_lost",
            groups=1,
            statements=names(group.writes),
            why=f"refused by the database: {error!r}",
        )
    elif not group.answer.done():
        group.answer.set_exception(error)


def names(writes: Group) -> list[str]:
    """The beginning of each statement, never its values."""
    return [write.statement.sqlite[:60] for write in writes]
