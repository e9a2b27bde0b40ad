"""A question about ended calls, answered by the database page by page."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

FilterOp = Literal[
    "contains", "equals", "greaterThan", "inArray", "lessThan", "present", "startsWith"
]


@dataclass(frozen=True, slots=True)
class CallFilter:
    """`by` is `id`, or `published` in seconds since the epoch; as text it is an ISO date in UTC.

    `values` are texts for `id` and for `contains` and `startsWith`, else seconds; one of them must
    fit. `present` needs none.
    """

    by: Literal["id", "published"]
    op: FilterOp
    values: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class CallPosition:
    """The place of a call in a list: calls are in the order of their beginning, then of their
    ids."""

    published_ms: int
    call_id: str


@dataclass(frozen=True, slots=True)
class EndedCalls:
    """The calls of `extensions` that ended at `since_ms` or later, ordered by their beginning.

    `start`, `count`: which of them, counted from 0.
    """

    extensions: Collection[str]
    since_ms: int
    call_id: str | None = None
    filter: CallFilter | None = None
    descending: bool = False
    start: int = 0
    count: int = 5000
