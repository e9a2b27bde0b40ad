"""Collections of the UnifiedAPI: filter, order, page, envelope.

The sources are docs/reference/uapi.md §1.4, §4, §5.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from yarl import URL

from bridge.http.errors import invalid
from bridge.http.uapi.cursors import CURSOR, CursorKind, Position, next_link
from bridge.http.uapi.fields import Json
from bridge.http.uapi.ignored_parameters import TOKEN_PARAMETER
from bridge.http.uapi.query_values import whole_number

LIST_PARAMETERS = frozenset(
    {"count", "startIndex", "filterBy", "filterOp", "filterValue", "sortOrder"}
)
COUNT_DEFAULT, COUNT_MAX, START_MAX = 20, 5000, 5000
CURSOR_LIST_PARAMETERS = LIST_PARAMETERS | {CURSOR}
FILTER_VALUES_MAX = 100  # each is compared with every item of the list

_ORDERS = {"asc": False, "ascending": False, "desc": True, "descending": True}
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class FilterField(Generic[_T]):
    """A field that `filterBy` may name. `text` is its value as the answer shows it; `key` and
    `parse` turn that and `filterValue` into what is compared. `parse` raises ValueError."""

    text: Callable[[_T], str]
    key: Callable[[_T], float | str]
    parse: Callable[[str], float | str]


FilterFields = Mapping[str, FilterField[_T]]


@dataclass(frozen=True, slots=True)
class Filter(Generic[_T]):
    """The filter of `filterBy`, `filterOp` and `filterValue`. `values` are parsed by the field, or
    texts for an operator on text."""

    by: str
    op: str
    values: tuple[float | str, ...]
    field: FilterField[_T]

    def matches(self, item: _T) -> bool:
        """Whether the item has one of the values in the filtered field (docs/reference/uapi.md
        §1.4)."""
        if self.op in _ON_TEXT:
            text = self.field.text(item)
            return any(_ON_TEXT[self.op](text, str(x)) for x in self.values)
        key, compare = self.field.key(item), _COMPARISONS[self.op]
        return any(compare(key, x) for x in self.values)


@dataclass(frozen=True, slots=True)
class Listing(Generic[_T]):
    """The parameters of a list request. Unknown parameters are ignored.

    `cursors`: of a list with cursors, their kind. `by_cursor`: the page begins after the position
    `after`, or at the beginning of the list, and nothing is counted.
    """

    count: int
    start: int
    descending: bool
    filter: Filter[_T] | None
    start_max: int = START_MAX
    cursors: CursorKind | None = None
    by_cursor: bool = False
    after: Position | None = None

    @classmethod
    def parse(
        cls,
        query: Mapping[str, str],
        filterable: FilterFields[_T],
        *,
        start_max: int = START_MAX,
        cursors_of: str | None = None,
    ) -> Listing[_T]:
        """The listing that the query asks for (docs/reference/uapi.md §1.4).

        `cursors_of`: the name of a list with cursors. Raises 400 count_invalid, startindex_invalid,
        sortorder_invalid, filter…_invalid, cursor_invalid.
        """
        order = query.get("sortOrder", "ascending").lower()
        if order not in _ORDERS:
            raise invalid("sortorder_invalid", "sortOrder must be ascending or descending.")
        descending = _ORDERS[order]
        cursors = None if cursors_of is None else CursorKind(cursors_of, descending)
        cursor = None if cursors is None else query.get(CURSOR)
        if cursor is not None and "startIndex" in query:
            raise invalid("cursor_invalid", "cursor and startIndex cannot both be given.")
        return cls(
            count=whole_number(
                query.get("count", str(COUNT_DEFAULT)), "count_invalid", "count", 1, COUNT_MAX
            ),
            start=whole_number(
                query.get("startIndex", "0"), "startindex_invalid", "startIndex", 0, start_max
            ),
            descending=descending,
            filter=_filter(query, filterable),
            start_max=start_max,
            cursors=cursors,
            by_cursor=cursor is not None,
            after=cursors.read(cursor) if cursors and cursor else None,
        )

    def page(
        self, items: Sequence[_T], order_by: Callable[[_T], tuple[int, str]]
    ) -> tuple[list[_T], int]:
        """The items of this page, and how many there are in all; by cursor: from this page on."""
        wanted, after = self.filter, self.after
        matching = [x for x in items if wanted is None or wanted.matches(x)]
        if after is not None:
            matching = [x for x in matching if self._is_beyond(order_by(x), after)]
        matching.sort(key=order_by, reverse=self.descending)
        return matching[self.start : self.start + self.count], len(matching)

    def _is_beyond(self, position: Position, after: Position) -> bool:
        return position < after if self.descending else position > after

    def has_more(self, total: int) -> bool:
        """Whether items follow this page; `total` as `page` returns it."""
        return self.start + self.count < total

    def next_header(self, last: Position | None, url: URL) -> dict[str, str]:
        """The header `Link` to the next page of a list with cursors.

        `last`: the position of the last item of this page, None if no items follow it. `url` is
        the request's own, absolute.
        """
        if self.cursors is None or last is None:
            return {}
        cursor = self.cursors.written(last)
        return {} if cursor is None else next_link(url, cursor, self.count)

    def envelope(self, entry: Sequence[object] | Json, total: int, url: URL) -> Json:
        """`url` is the request's own, absolute: next and prev are made from it.

        A page by cursor is not counted, and has no index.
        """
        if self.by_cursor:
            return {"entry": entry, "itemsPerPage": self.count}
        paging: Json = {}
        if self.start + self.count < min(total, self.start_max + 1):
            paging["next"] = self._at(url, self.start + self.count)
        if self.start > 0:
            paging["prev"] = self._at(url, max(0, self.start - self.count))
        body: Json = {
            "entry": entry,
            "totalResults": total,
            "itemsPerPage": self.count,
            "startIndex": self.start,
        }
        return {**body, "paging": paging} if paging else body

    def _at(self, url: URL, start: int) -> str:
        """Without the token: links are kept and shown, and the client has it anyway."""
        page = url.without_query_params(TOKEN_PARAMETER)
        return str(page.update_query(startIndex=str(start), count=str(self.count)))


def _filter(query: Mapping[str, str], filterable: FilterFields[_T]) -> Filter[_T] | None:
    by, op = query.get("filterBy", ""), query.get("filterOp", "equals")
    if not by:
        if op:  # empty, as some clients send all three, it says nothing
            _require_operator(op)
        return None
    if not filterable:
        raise invalid("filterby_invalid", "filterBy: this list cannot be filtered.")
    if by not in filterable:
        names = ", ".join(sorted(filterable))
        raise invalid("filterby_invalid", f"filterBy must be one of: {names}.")
    _require_operator(op)
    value = query.get("filterValue", "")
    if not value and op != "present":
        raise invalid("filtervalue_invalid", "filterValue is missing.")
    values = value.split(",") if op == "inArray" else [value]
    if len(values) > FILTER_VALUES_MAX:
        raise invalid(
            "filtervalue_invalid", f"filterValue must hold at most {FILTER_VALUES_MAX} values."
        )
    field = filterable[by]
    if op in _ON_TEXT:
        return Filter(by, op, (value,), field)
    try:
        keys = [field.parse(x.strip()) for x in values]
    except ValueError as why:
        raise invalid("filtervalue_invalid", f"filterValue: {why}.") from None
    return Filter(by, op, tuple(keys), field)


def _require_operator(op: str) -> None:
    if op not in _COMPARISONS and op not in _ON_TEXT:
        names = ", ".join(sorted({**_COMPARISONS, **_ON_TEXT}))
        raise invalid("filterop_invalid", f"filterOp must be one of: {names}.")


_ON_TEXT: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, value: value in text,
    "present": lambda text, _: bool(text),
    "startsWith": lambda text, value: text.startswith(value),
}
# Both sides are keys of one field, so of one type.
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": operator.eq,
    "greaterThan": operator.gt,
    "inArray": operator.eq,
    "lessThan": operator.lt,
}
