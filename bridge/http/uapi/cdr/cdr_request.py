"""The parameters of GET /uapi/cdr: which ended calls are asked for (docs/reference/uapi.md §8)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, cast

from bridge.calls.state.phone_call import Disposition, Flow, PhoneCall
from bridge.calls.store.call_detail import CallDetailFilter, CallDetailQuestion, Numbers, Period
from bridge.calls.store.ended_calls import FilterOp
from bridge.directory.number_spelling import bare_number
from bridge.http.errors import invalid
from bridge.http.uapi.cdr.cdr_scope import CdrScope
from bridge.http.uapi.collection import CURSOR_LIST_PARAMETERS, FilterField, Listing
from bridge.http.uapi.phone_call_json import date, moment_s

# A client follows `paging.next` through all records of a month; there is nothing to page by else.
START_MAX = 1_000_000
CDR_PARAMETERS = frozenset(
    {
        "source",
        "destination",
        "startDate",
        "endDate",
        "saveStartDate",
        "saveEndDate",
        "disposition",
        "flow",
    }
)
_NUMBER = re.compile(r"\+?[0-9]{1,32}\Z|[0-9]{1,32}\*[0-9]{1,32}\Z")
_PARTIES = ("source", "destination")
_FILTERABLE: dict[str, FilterField[PhoneCall]] = {
    "id": FilterField(lambda x: x.id, lambda x: x.id, str),
    "published": FilterField(
        lambda x: date(x.published_ms) or "", lambda x: x.published_ms // 1000, moment_s
    ),
    "answered": FilterField(
        lambda x: date(x.answered_ms) or "", lambda x: (x.answered_ms or 0) // 1000, moment_s
    ),
    # Compared as numbers, in every spelling of them: see `_filtered_parties`.
    **{name: FilterField(lambda x: x.id, lambda x: x.id, str) for name in _PARTIES},
}


def listing_of(query: Mapping[str, str]) -> Listing[PhoneCall]:
    """The page that is asked for. Raises 400 with the code of the wrong parameter."""
    return Listing.parse(query, _FILTERABLE, start_max=START_MAX, cursors_of="records")


def question_of(
    query: Mapping[str, str], listing: Listing[PhoneCall], scope: CdrScope, since_ms: int
) -> CallDetailQuestion:
    """The question to the database. `since_ms`: records before it count as removed.

    Raises 400 with the code of the wrong parameter.
    """
    filtered = _filtered_parties(listing, scope)
    return CallDetailQuestion(
        scope.extensions.keys(),
        since_ms,
        sources=(*_party(query, "source", scope), *filtered["source"]),
        destinations=(*_party(query, "destination", scope), *filtered["destination"]),
        answered=_period(query, "startDate", "endDate"),
        saved=_period(query, "saveStartDate", "saveEndDate"),
        disposition=_one_of(query, "disposition", [int(x) for x in Disposition]),
        flow=_one_of(query, "flow", [int(x) for x in Flow]),
        filter=_filter(listing),
        descending=listing.descending,
        start=listing.start,
        count=listing.count,
    )


def known_parameters() -> set[str]:
    """Every parameter that this request knows."""
    return {*CURSOR_LIST_PARAMETERS, *CDR_PARAMETERS, "fields"}


def _party(query: Mapping[str, str], name: str, scope: CdrScope) -> list[Numbers]:
    text = query.get(name, "")
    return [_numbers(text, f"cdr_{name}_invalid", name, scope)] if text.strip() else []


def _numbers(text: str, code: str, name: str, scope: CdrScope) -> Numbers:
    """A short number is one of the app's organization, as in every request of it. The public
    number of an extension means that extension, too."""
    number = bare_number(text.replace(" ", "+", 1) if text.startswith(" ") else text)
    if not _NUMBER.match(number):
        raise invalid(
            code, f"{name} must be a number: an extension, or digits with an optional + in front."
        )
    if "*" in number:
        return {number}
    digits = number.removeprefix("+")
    owner = scope.directory.extensions_by_public_number.get(digits)
    short = set() if scope.organization is None else {f"{scope.organization}*{digits}"}
    return {digits} | short | ({owner.number} if owner else set())


def _filtered_parties(listing: Listing[PhoneCall], scope: CdrScope) -> dict[str, list[Numbers]]:
    found: dict[str, list[Numbers]] = {name: [] for name in _PARTIES}
    asked = listing.filter
    if asked is None or asked.by not in _PARTIES:
        return found
    if asked.op not in ("equals", "inArray"):
        raise invalid("filterop_invalid", f"filterOp must be equals or inArray for {asked.by}.")
    named = [_numbers(str(x), "filtervalue_invalid", "filterValue", scope) for x in asked.values]
    found[asked.by].append({number for numbers in named for number in numbers})
    return found


def _filter(listing: Listing[PhoneCall]) -> CallDetailFilter | None:
    asked = listing.filter
    if asked is None or asked.by in _PARTIES:
        return None
    values = tuple(x if isinstance(x, str) else int(x) for x in asked.values)
    by = cast("Literal['id', 'published', 'answered']", asked.by)
    return CallDetailFilter(by, cast("FilterOp", asked.op), values)


def _period(query: Mapping[str, str], begin: str, end: str) -> Period:
    from_s, until_s = _moment(query, begin), _moment(query, end)
    return Period(
        None if from_s is None else from_s * 1000,
        # Answers show moments to the second: the last second belongs to the period.
        None if until_s is None else until_s * 1000 + 999,
    )


def _moment(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name, "").strip()
    if not text:
        return None
    try:
        return moment_s(text)
    except ValueError as why:
        raise invalid(f"cdr_{name.lower()}_invalid", f"{name}: {why}.") from None


def _one_of(query: Mapping[str, str], name: str, known: list[int]) -> int | None:
    text = query.get(name, "").strip()
    if not text:
        return None
    if text not in map(str, known):
        numbers = ", ".join(map(str, known))
        raise invalid(f"cdr_{name}_invalid", f"{name} must be one of: {numbers}.")
    return int(text)
