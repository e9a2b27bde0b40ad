"""`metadata` of a create: an object of the app's own, which its answers and events repeat. Ours."""

from __future__ import annotations

import json
from collections.abc import Iterable

import orjson

from bridge.http.errors import UapiError, invalid

METADATA_MAX_BYTES = 2048
"""Of the object as JSON in UTF-8, without white space."""
_DEPTH_MAX = 10


def metadata_text(value: object) -> str | None:
    """The object as JSON, None where there is none. Raises 400 pc_metadata_invalid."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise _invalid("must be an object")
    if _deeper_than(_DEPTH_MAX, [value]):
        raise _invalid(f"must be nested at most {_DEPTH_MAX} times")
    try:
        json.dumps(value, allow_nan=False)  # orjson would write null for NaN
        text = orjson.dumps(value)
    except (TypeError, ValueError):
        raise _invalid("must hold numbers of 64 bits and valid Unicode only") from None
    if len(text) > METADATA_MAX_BYTES:
        raise _invalid(f"must have at most {METADATA_MAX_BYTES} bytes as JSON")
    return text.decode()


def _deeper_than(depth: int, level: Iterable[object]) -> bool:
    """Level by level: the nesting is as the client wants it."""
    for _ in range(depth):
        level = [x for value in level for x in _parts(value)]
    return any(isinstance(x, dict | list) for x in level)


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _invalid(why: str) -> UapiError:
    return invalid("pc_metadata_invalid", f"metadata {why}.")
