"""Collections of the UnifiedAPI: filter, order, page, envelope (uapi.md §1.4, §4, §5)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from yarl import URL

from bridge.http.uapi.errors import invalid
from bridge.http.uapi.fields import Json
from bridge.http.uapi.query_values import whole_number

COUNT_DEFAULT, COUNT_MAX, START_MAX = 20, 5000, 5000

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
class Listing(Generic[_T]):
    """What a list request asks for beside its URI. Unknown parameters are ignored."""

    count: int
    start: int
    descending: bool
    matches: Callable[[_T], bool]

    @classmethod
    def parse(cls, query: Mapping[str, str], filterable: FilterFields[_T]) -> Listing[_T]:
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
            matches=_filter(query, filterable),
        )

    def page(
        self, items: Sequence[_T], order_by: Callable[[_T], tuple[int, str]]
    ) -> tuple[list[_T], int]:
        """The items of this page, and how many there are in all."""
        matching = [x for x in items if self.matches(x)]
        matching.sort(key=order_by, reverse=self.descending)
        return matching[self.start : self.start + self.count], len(matching)

    def envelope(self, entry: list[Json], total: int, url: URL) -> Json:
        """`url` is the request's own, absolute: next and prev are made from it."""
        paging: Json = {}
        if self.start + self.count < min(total, START_MAX + 1):
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


def _filter(query: Mapping[str, str], filterable: FilterFields[_T]) -> Callable[[_T], bool]:
    by = query.get("filterBy", "")
    if not by:
        return lambda _: True
    if not filterable:
        raise invalid("filterby_invalid", "filterBy: this list cannot be filtered.")
    if by not in filterable:
        names = ", ".join(sorted(filterable))
        raise invalid("filterby_invalid", f"filterBy must be one of: {names}.")
    op = query.get("filterOp", "equals")
    if op not in _COMPARISONS and op not in _ON_TEXT:
        names = ", ".join(sorted({**_COMPARISONS, **_ON_TEXT}))
        raise invalid("filterop_invalid", f"filterOp must be one of: {names}.")
    value = query.get("filterValue", "")
    if not value and op != "present":
        raise invalid("filtervalue_invalid", "filterValue is missing.")
    field = filterable[by]
    if op in _ON_TEXT:
        on_text = _ON_TEXT[op]
        return lambda item: on_text(field.text(item), value)
    try:
        keys = [field.parse(x.strip()) for x in (value.split(",") if op == "inArray" else [value])]
    except ValueError as why:
        raise invalid("filtervalue_invalid", f"filterValue: {why}.") from None
    compare = _COMPARISONS[op]
    return lambda item: any(compare(field.key(item), x) for x in keys)


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
