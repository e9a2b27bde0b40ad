"""The `fields` parameter: which fields of each object an answer holds."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.http.errors import invalid

Json = dict[str, object]


def requested_fields(query: Mapping[str, str], known: frozenset[str]) -> frozenset[str] | None:
    """The fields asked for, None for all. Raises 400 fields_invalid for a name not in `known`."""
    text = query.get("fields")
    if text is None or not text.strip():
        return None
    names = [x.strip() for x in text.split(",") if x.strip()]
    unknown = [x for x in names if x not in known]
    if unknown:
        raise invalid("fields_invalid", f"fields: there is no field {unknown[0][:40]!r}.")
    return frozenset(names)


def select(item: Json, fields: frozenset[str] | None) -> Json:
    """The item with the requested fields only; None means all of them."""
    return item if fields is None else {k: v for k, v in item.items() if k in fields}
