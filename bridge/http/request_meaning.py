"""The meaning of a request, in bytes that are the same for each way to write the request.

An `Idempotency-Key` stands for the meaning: a client that sends a request once more may write its
JSON or its path in another way. The token is left out, because a retry may have a new one.
"""

from __future__ import annotations

import json
import re

from aiohttp import web

from bridge.http.errors import UapiError
from bridge.http.json_body import json_object
from bridge.http.uapi.ignored_parameters import TOKEN_PARAMETER

_PREFIXES = ("uapi", "unifiedapi")
_WHOLE_NUMBERS = frozenset({"callDuration", "waitForPickup"})
_FLAGS = frozenset({"allowPublicTransfer", "video", "recording"})
_BOTH_WAYS = {"1": "true", "0": "false"}
# Answers and events repeat it as it came: there `1` and "1" are two values.
_REPEATED = frozenset({"metadata"})
_LEADING_ZEROS = re.compile(r"0+(?=[0-9])")


def meaning_of(request: web.Request, body: bytes = b"") -> bytes:
    """The resource, the query and the JSON body of a request to the UnifiedAPI.

    Alike are: `/uapi` and `/unifiedapi`, with and without a slash at the end; numbers in the path
    with leading zeros; the order of parameters and fields; white space between the values of JSON;
    a number as a JSON number and as a string; a list of one and its only value; null and nothing.
    In `metadata` only the order of fields and white space do not count.
    """
    head = json.dumps([_resource(request), _query(request)])
    return b"\0".join((head.encode(), _body(body)))


def _resource(request: web.Request) -> list[str]:
    segments = [x for x in request.path.split("/") if x]
    if segments and segments[0] in _PREFIXES:
        segments = segments[1:]
    return [_LEADING_ZEROS.sub("", x) if x.isascii() and x.isdigit() else x for x in segments]


def _query(request: web.Request) -> list[tuple[str, str]]:
    pairs = {(k, _parameter(k, v)) for k, v in request.query.items() if k != TOKEN_PARAMETER}
    return sorted(pairs)


def _parameter(name: str, value: str) -> str:
    if name in _WHOLE_NUMBERS and value.isascii() and value.isdigit():
        return _LEADING_ZEROS.sub("", value)
    if name in _FLAGS:
        return _BOTH_WAYS.get(value, value.lower())
    return value


def _body(body: bytes) -> bytes:
    """Another body than a JSON object, or one nested too deeply, stays as it is: it is refused."""
    try:
        return json.dumps(_value(json_object(body)), sort_keys=True).encode() if body else b""
    except (UapiError, RecursionError):
        return body


def _value(value: object) -> object:
    if isinstance(value, dict):
        return {k: x if k in _REPEATED else _value(x) for k, x in value.items() if x is not None}
    if isinstance(value, list):
        return _value(value[0]) if len(value) == 1 else [_value(x) for x in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value
