"""EndedCalls in SQL, for both engines."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, TextClause, false, func, or_, select, true

from bridge.calls.store.call_detail import CallDetailFilter, CallDetailQuestion
from bridge.calls.store.ended_calls import CallFilter, EndedCalls
from bridge.storage.tables import call_parties, calls

# what a BIGINT takes; a date beyond it fits nothing
_MOST_S = 2**62


def page_of(asked: EndedCalls, dialect: str) -> Select[Any]:
    """The ids of that page, in order. Their documents are another question: see `documents_of`."""
    return ids_of_page(asked, _conditions(asked, dialect), dialect)


def ids_of_page(
    asked: EndedCalls | CallDetailQuestion,
    conditions: Iterable[ColumnElement[bool] | TextClause],
    dialect: str,
) -> Select[Any]:
    """The ids of the calls that fit, in order of their moment, and only those of the page."""
    by = calls.c.published_ms, binary(calls.c.id, dialect)
    return (
        select(calls.c.id)
        .where(*conditions)
        .order_by(*(x.desc() if asked.descending else x for x in by))
        .offset(asked.start)
        .limit(asked.count)
    )


def documents_of(call_ids: Sequence[str]) -> Select[str, str]:
    """The query for id and document of these calls, in no order."""
    return select(calls.c.id, calls.c.document).where(calls.c.id.in_(call_ids))


def count_of(asked: EndedCalls, dialect: str) -> Select[Any]:
    """The query for the number of ended calls on all pages. `dialect`: as SQLAlchemy names it."""
    return select(func.count()).select_from(calls).where(*_conditions(asked, dialect))


def of_extensions(extensions: Collection[str]) -> ColumnElement[bool]:
    """The condition that one of the extensions is a party of the call."""
    party = call_parties.c
    return calls.c.id.in_(select(party.call_id).where(party.extension.in_(sorted(extensions))))


def _conditions(asked: EndedCalls, dialect: str) -> list[ColumnElement[bool]]:
    return [of_extensions(asked.extensions), *conditions(asked, dialect)]


def conditions(asked: EndedCalls, dialect: str) -> list[ColumnElement[bool]]:
    """All conditions of the question but that of its extensions."""
    c = calls.c
    conditions = [c.ended_ms >= asked.since_ms]
    if asked.call_id is not None:
        conditions.append(c.id == asked.call_id)
    if asked.filter is not None:
        conditions.append(fits(asked.filter, dialect))
    return conditions


def fits(asked: CallFilter | CallDetailFilter, dialect: str) -> ColumnElement[bool]:
    """The condition of the filter. A call without the filtered moment does not fit."""
    moments = {"published": calls.c.published_ms, "answered": calls.c.answered_ms}
    moment = moments.get(asked.by)
    if asked.op == "present":
        return true() if moment is None else moment.is_not(None)
    if moment is not None and asked.op not in ("contains", "startsWith"):
        numbers = [x for x in asked.values if isinstance(x, int)]
        return _compared(moment // 1000, asked.op, numbers)
    # no text of ours has a NUL, which PostgreSQL does not even take
    texts = [x for x in asked.values if isinstance(x, str) and "\0" not in x]
    if moment is not None:
        return _of_text(_as_date(moment, dialect), asked.op, texts, dialect)
    if asked.op in ("contains", "startsWith"):
        return _of_text(calls.c.id, asked.op, texts, dialect)
    key = binary(calls.c.id, dialect)
    if asked.op in ("equals", "inArray"):
        return _compared(key, asked.op, texts)
    # without the NUL an id is still greater; a number that is a prefix of the other is the smaller
    # one
    bounds = [(str(x).partition("\0")[0], "\0" in str(x)) for x in asked.values]
    if asked.op == "greaterThan":
        return or_(false(), *(key > before for before, _ in bounds))
    return or_(false(), *(key <= before if cut else key < before for before, cut in bounds))


def _compared(
    key: ColumnElement[Any], op: str, values: list[int] | list[str]
) -> ColumnElement[bool]:
    if op in ("equals", "inArray"):
        known = [x for x in values if isinstance(x, str) or abs(x) < _MOST_S]
        return key.in_(known) if known else false()
    bounds = [x if isinstance(x, str) else max(-_MOST_S, min(x, _MOST_S)) for x in values]
    return or_(false(), *(key > x if op == "greaterThan" else key < x for x in bounds))


def _of_text(
    text: ColumnElement[str], op: str, values: list[str], dialect: str
) -> ColumnElement[bool]:
    """By characters as they are: LIKE ignores their case in SQLite."""
    position = func.instr if dialect == "sqlite" else func.strpos
    at = [position(text, x) for x in values]
    return or_(false(), *(x > 0 if op == "contains" else x == 1 for x in at))


def _as_date(moment_ms: ColumnElement[int], dialect: str) -> ColumnElement[str]:
    """As the API writes it: 2012-06-27T16:08:55Z."""
    seconds = moment_ms // 1000
    if dialect == "sqlite":
        return func.strftime("%Y-%m-%dT%H:%M:%SZ", seconds, "unixepoch")
    moment = func.timezone("UTC", func.to_timestamp(seconds))
    return func.to_char(moment, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')


def binary(text: ColumnElement[str], dialect: str) -> ColumnElement[str]:
    """In the order of code points, as Python and SQLite have it."""
    return text if dialect == "sqlite" else text.collate("C")
