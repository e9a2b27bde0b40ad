"""A question about call detail records: the ended calls of some extensions, and sums."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from bridge.calls.store.ended_calls import FilterOp

Numbers = Collection[str]
"""The numbers of one party in every form that it may be stored in: `0003*210`, digits without
`+`."""


@dataclass(frozen=True, slots=True)
class Period:
    """From `from_ms` to `until_ms`, both included; None: without an end on that side."""

    from_ms: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class CallDetailFilter:
    """As CallFilter; `answered`, too, in seconds since the epoch."""

    by: Literal["id", "published", "answered"]
    op: FilterOp
    values: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class CallDetailQuestion:
    """The calls of `extensions` that ended at `since_ms` or later and fit all that is given.

    `sources`, `destinations`: calls with one of these as a source, as a destination; each element
    is one condition. `answered`: when the call was answered, or began where nobody answered.
    `saved`: when its record was written. `disposition`, `flow`: numbers of the UnifiedAPI.
    `start`, `count`: which of them, in the order of their beginning, counted from 0.
    """

    extensions: Collection[str]
    since_ms: int
    sources: tuple[Numbers, ...] = ()
    destinations: tuple[Numbers, ...] = ()
    answered: Period = Period()
    saved: Period = Period()
    disposition: int | None = None
    flow: int | None = None
    filter: CallDetailFilter | None = None
    descending: bool = False
    start: int = 0
    count: int = 5000


@dataclass(frozen=True, slots=True)
class CallSum:
    """So many calls have that disposition. `outgoing`: one of the asked extensions pays them."""

    outgoing: bool
    disposition: int
    calls: int
