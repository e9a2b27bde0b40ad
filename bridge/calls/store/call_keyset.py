"""Ended calls from a position on, in SQL for both engines: the work grows with the page alone.

Each extension has its calls in the order of their beginning (primary key of `call_parties`). So a
page begins where the last one ended, and ends after `count` calls of each extension.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, TextClause, and_, or_, select, union_all

from bridge.calls.store.ended_call_query import binary
from bridge.calls.store.ended_calls import CallPosition
from bridge.storage.tables import call_parties, calls

_ONE_BY_ONE_MAX = 50
"""Of more extensions all later calls are sorted: so many questions in one take too long to plan."""

Condition = ColumnElement[bool] | TextClause
_p = call_parties.c


@dataclass(frozen=True, slots=True)
class CallsAfter:
    """The first `count` calls of `extensions` after a position; None: from the beginning."""

    extensions: Collection[str]
    after: CallPosition | None
    descending: bool
    count: int


def positions_of(asked: CallsAfter, conditions: Sequence[Condition], dialect: str) -> Select[Any]:
    """The query for `published_ms` and `call_id` of the page, in order.

    `conditions` are on the table of calls; `dialect` as SQLAlchemy names it.
    """
    extensions = sorted(asked.extensions)
    if len(extensions) == 1:
        return _ordered(
            _of(_p.extension == extensions[0], asked, conditions, dialect), asked, dialect
        )
    if len(extensions) > _ONE_BY_ONE_MAX:
        found = _of(_p.extension.in_(extensions), asked, conditions, dialect).distinct().subquery()
    else:
        each = (_of(_p.extension == x, asked, conditions, dialect) for x in extensions)
        parts = [_ordered(x, asked, dialect).subquery() for x in each]
        found = union_all(*(select(x) for x in parts)).subquery()
    begun, call_id = found.c.published_ms, binary(found.c.call_id, dialect)
    order = (begun.desc(), call_id.desc()) if asked.descending else (begun, call_id)
    rows = select(found.c.published_ms, found.c.call_id).group_by(*found.c)
    return rows.order_by(*order).limit(asked.count)


def _of(
    extension: ColumnElement[bool],
    asked: CallsAfter,
    conditions: Sequence[Condition],
    dialect: str,
) -> Select[Any]:
    # The second half of the join tells nothing new; it keeps a call from being there twice.
    same = and_(calls.c.id == _p.call_id, calls.c.published_ms == _p.published_ms)
    rows = select(_p.published_ms, _p.call_id).join(calls, same)
    return rows.where(extension, *_beyond(asked, dialect), *conditions)


def _beyond(asked: CallsAfter, dialect: str) -> list[ColumnElement[bool]]:
    if asked.after is None:
        return []
    begun, call_id = _p.published_ms, binary(_p.call_id, dialect)
    at_ms, at_id = asked.after.published_ms, asked.after.call_id
    if asked.descending:
        return [begun <= at_ms, or_(begun < at_ms, call_id < at_id)]
    return [begun >= at_ms, or_(begun > at_ms, call_id > at_id)]


def _ordered(rows: Select[Any], asked: CallsAfter, dialect: str) -> Select[Any]:
    by = (_p.published_ms, binary(_p.call_id, dialect))
    return rows.order_by(*(x.desc() if asked.descending else x for x in by)).limit(asked.count)
