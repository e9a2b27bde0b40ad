"""CallDetailQuestion in SQL, for both engines.

The parties, the flow and the disposition are read out of the stored document. That costs about 5 µs
a record, and nothing when a call is written.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    TextClause,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    text,
)

from bridge.calls.store.call_detail import CallDetailQuestion, Numbers, Period
from bridge.calls.store.ended_call_query import fits, ids_of_page, of_extensions
from bridge.storage.tables import calls

_Condition = ColumnElement[bool] | TextClause

_LEG = {
    "sqlite": (
        "EXISTS (SELECT 1 FROM json_each(calls.document, '$.legs') AS leg"
        " WHERE json_extract(leg.value, '$.side') = '{side}'"
        " AND ltrim(json_extract(leg.value, '$.number'), '+') IN :{name})"
    ),
    "postgresql": (
        "EXISTS (SELECT 1 FROM json_array_elements(CAST(calls.document AS JSON) -> 'legs') AS leg"
        " WHERE leg ->> 'side' = '{side}' AND ltrim(leg ->> 'number', '+') IN :{name})"
    ),
}
_FIELD = {
    "sqlite": "json_extract(calls.document, '$.{name}')",
    "postgresql": "(CAST(calls.document AS JSON) ->> '{name}')",
}
_DISPOSITION = {
    "sqlite": "json_extract(calls.document, '$.final.disposition')",
    "postgresql": "(CAST(calls.document AS JSON) -> 'final' ->> 'disposition')",
}


def page_of(asked: CallDetailQuestion, dialect: str) -> Select[Any]:
    """The ids of that page, in order."""
    return ids_of_page(asked, _conditions(asked, dialect), dialect)


def sums_of(asked: CallDetailQuestion, dialect: str) -> Select[Any]:
    """The query for `outgoing`, `disposition` and `calls` of all pages."""
    pays = func.coalesce(calls.c.extension, "").in_(sorted(asked.extensions)).label("outgoing")
    disposition = disposition_of(dialect).label("disposition")
    columns: list[ColumnElement[Any]] = [pays, disposition, func.count().label("calls")]
    by: list[ColumnElement[Any]] = [literal_column("outgoing"), literal_column("disposition")]
    return select(*columns).where(*_conditions(asked, dialect)).group_by(*by)


def _conditions(asked: CallDetailQuestion, dialect: str) -> list[_Condition]:
    return [of_extensions(asked.extensions), *conditions(asked, dialect)]


def conditions(asked: CallDetailQuestion, dialect: str) -> list[_Condition]:
    """All conditions of the question but that of its extensions."""
    c = calls.c
    conditions: list[_Condition] = [
        c.ended_ms >= asked.since_ms,
        *_within(func.coalesce(c.answered_ms, c.published_ms), asked.answered),
        *_within(c.ended_ms, asked.saved),
    ]
    if asked.filter is not None:
        conditions.append(fits(asked.filter, dialect))
    if asked.flow is not None:
        flow: ColumnElement[Any] = literal_column(_FIELD[dialect].format(name="flow"))
        conditions.append(cast(flow, Integer) == asked.flow)
    if asked.disposition is not None:
        conditions.append(disposition_of(dialect) == asked.disposition)
    for at, numbers in enumerate(asked.sources):
        conditions.append(_is_party(dialect, "source", f"source{at}", numbers))
    for at, numbers in enumerate(asked.destinations):
        conditions.append(_is_destination(dialect, f"destination{at}", numbers))
    return conditions


def _within(moment: ColumnElement[int], period: Period) -> list[ColumnElement[bool]]:
    conditions = []
    if period.from_ms is not None:
        conditions.append(moment >= period.from_ms)
    if period.until_ms is not None:
        conditions.append(moment <= period.until_ms)
    return conditions


def disposition_of(dialect: str) -> ColumnElement[int]:
    """The number of the outcome, out of the stored document."""
    return cast(literal_column(_DISPOSITION[dialect]), Integer)


def _is_party(dialect: str, side: str, name: str, numbers: Numbers) -> TextClause:
    return _with_numbers(_LEG[dialect].format(side=side, name=name), name, numbers)


def _is_destination(dialect: str, name: str, numbers: Numbers) -> TextClause:
    """Also the queue, IVR or conference that was dialled, and the digits that a phone dialled."""
    leg = _LEG[dialect].format(side="destination", name=name)
    service = _FIELD[dialect].format(name="called_service")
    dialled = _FIELD[dialect].format(name="dialled")
    condition = f"({leg} OR {service} IN :{name} OR ltrim({dialled}, '+') IN :{name})"
    return _with_numbers(condition, name, numbers)


def _with_numbers(condition: str, name: str, numbers: Numbers) -> TextClause:
    return text(condition).bindparams(bindparam(name, value=sorted(numbers), expanding=True))
