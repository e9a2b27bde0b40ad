"""What waits in the write queue: groups of writes, and who waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import structlog

from bridge.storage.statement import Counts, Group

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WaitingGroup:
    """`answer` is None for writes that nobody waits for; these alone are tried again."""

    writes: Group
    answer: asyncio.Future[Counts] | None = None
    key: Hashable = None
    final: bool = False
    written: Callable[[], None] | None = None

    def applied(self, counts: Counts) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(counts)
        if self.written is not None:
            self.written()


def without_superseded(groups: list[WaitingGroup]) -> list[WaitingGroup]:
    newest = {group.key: number for number, group in enumerate(groups)}
    return [
        group
        for number, group in enumerate(groups)
        if group.key is None or group.final or newest[group.key] == number
    ]


def refuse(group: WaitingGroup, error: Exception) -> None:
    if group.answer is None:
        log.error(
            "write lost: refused by the database",
            statements=names(group.writes),
            error=repr(error),
        )
    elif not group.answer.done():
        group.answer.set_exception(error)


def names(writes: Group) -> list[str]:
    """The beginning of each statement, never its values."""
    return [write.statement.sqlite[:60] for write in writes]
