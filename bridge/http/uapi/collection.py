"""Collections of the UnifiedAPI: filter, order, page, envelope (uapi.md §1.4, §4, §5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from yarl import URL

from bridge.http.uapi.errors import invalid
from bridge.http.uapi.fields import Json
from bridge.http.uapi.query_values import whole_number

COUNT_DEFAULT, COUNT_MAX, START_MAX = 20, 5000, 5000

_ORDERS = {"asc": False, "ascending": False, "desc": True, "descending": True}
_T = TypeVar("_T")
Values = Mapping[str, Callable[[_T], str]]


@dataclass(frozen=True, slots=True)
class Filter:
    """`filterBy`, `filterOp`, `filterValue`; `by` is empty for no filter."""

    by: str
    op: str
    value: str

    def matches(self, text: str) -> bool:
        return _OPERATIONS[self.op](text, self.value)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list request asks for beside its URI. Unknown parameters are ignored."""

    count: int
    start: int
    descending: bool
    filter: Filter | None

    @classmethod
    def parse(cls, query: Mapping[str, str], filterable: frozenset[str]) -> Listing:
        """Raises 400 count_invalid, startindex_invalid, sortorder_invalid, filter…_invalid."""
        order = query.get("sortOrder", "ascending").lower()
        if order not in _ORDERS:
            raise invalid("sortorder_invalid", "sortOrder must be ascending or descending.")
        return cls(
            count=whole_number(
                query.get("count", str(COUNT_DEFAULT)), "count_invalid", "count", 1, COUNT_MAX
            ),
            start=whole_number(
                query.get("startIndex", "0"), "startindex_invalid", "startIndex", 0, START_MAX
            ),
            descending=_ORDERS[order],
            filter=_filter(query, filterable),
        )

    def page(self, items: Sequence[_T], values: Values[_T], order_by: str) -> tuple[list[_T], int]:
        """The items of this page, and how many there are in all."""
        wanted, key = self.filter, values[order_by]
        if wanted is not None:
            value_of = values[wanted.by]
            items = [x for x in items if wanted.matches(value_of(x))]
        ordered = sorted(items, key=key, reverse=self.descending)
        return ordered[self.start : self.start + self.count], len(ordered)

    def envelope(self, entry: list[Json], total: int, url: URL) -> Json:
        """`url` is the request's own, absolute: next and prev are made from it."""
        paging: Json = {}
        if self.start + self.count < total:
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
        return str(url.update_query(startIndex=str(start), count=str(self.count)))


def _filter(query: Mapping[str, str], filterable: frozenset[str]) -> Filter | None:
    by = query.get("filterBy", "")
    if not by:
        return None
    if by not in filterable:
        names = ", ".join(sorted(filterable))
        raise invalid("filterby_invalid", f"filterBy must be one of: {names}.")
    op = query.get("filterOp", "equals")
    if op not in _OPERATIONS:
        names = ", ".join(sorted(_OPERATIONS))
        raise invalid("filterop_invalid", f"filterOp must be one of: {names}.")
    value = query.get("filterValue", "")
    if not value and op != "present":
        raise invalid("filtervalue_invalid", "filterValue is missing.")
    return Filter(by, op, value)


_OPERATIONS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, value: value in text,
    "equals": lambda text, value: text == value,
    "greaterThan": lambda text, value: text > value,
    "inArray": lambda text, value: text in [x.strip() for x in value.split(",")],
    "lessThan": lambda text, value: text < value,
    "present": lambda text, _: bool(text),
    "startsWith": lambda text, value: text.startswith(value),
}
