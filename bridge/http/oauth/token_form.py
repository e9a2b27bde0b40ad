"""The fields of a token request, in every form in which clients send them.

docs/reference/uapi.md §7 and §11 have them: a form, URL-encoded or multipart, and a JSON
object. The query of the POST is used for fields that the body lacks. The Content-Type may be wrong.
A field may be there twice if it says the same: clients authenticate in two ways at once. The form
is never logged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import parse_qsl

from aiohttp import web

from bridge.access.errors import InvalidRequest
from bridge.http.multipart_form import MULTIPART, boundary_of, multipart_pairs

_MAX_FIELDS = 20
_SHOWN_CHARS = 40
_Pairs = list[tuple[str, str]]


def token_fields(request: web.Request, body: bytes) -> dict[str, str]:
    """The fields of the query and the body, each with one value. Raises InvalidRequest."""
    in_body = _one_of_each(_pairs_of_body(request, body))
    in_query = [(k, v) for k, v in request.query.items() if v]
    if len(in_query) > _MAX_FIELDS:
        raise InvalidRequest(f"the query must have at most {_MAX_FIELDS} fields")
    return _one_of_each([*in_query, *((k, v) for k, v in in_body.items() if v)])


def _pairs_of_body(request: web.Request, body: bytes) -> _Pairs:
    if request.content_type == MULTIPART:
        try:
            boundary = boundary_of(request.headers["Content-Type"])
            return multipart_pairs(boundary, body, "utf-8", _MAX_FIELDS)
        except (ValueError, KeyError):
            raise InvalidRequest(
                f"the body must be a form of at most {_MAX_FIELDS} fields, in UTF-8"
            ) from None
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRequest("the body must be form-encoded or JSON, in UTF-8") from None
    if text.lstrip().startswith("{"):
        return _json_pairs(text)
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise InvalidRequest(f"the body must have at most {_MAX_FIELDS} fields") from None


def _json_pairs(text: str) -> _Pairs:
    try:
        members = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        raise InvalidRequest("the body is neither a form nor a JSON object") from None
    if len(members) > _MAX_FIELDS:
        raise InvalidRequest(f"the body must have at most {_MAX_FIELDS} fields")
    known = [(name, value) for name, value in members if value is not None]
    for name, value in known:
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise InvalidRequest(f"{name[:_SHOWN_CHARS]} must be a string")
    return [(name, str(value)) for name, value in known]


def _one_of_each(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        if found.setdefault(name, value) != value:
            raise InvalidRequest(f"{name[:_SHOWN_CHARS]} is given more than once, differently")
    return found
