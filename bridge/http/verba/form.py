"""The form of a POST: always UTF-8, whatever charset the request names.

aiohttp's own reading decodes with that charset, and some of Python's take seconds for a few bytes;
nor is an unknown name free, as each look-up is remembered for ever.
"""

from __future__ import annotations

from email import message_from_bytes
from email.message import Message
from urllib.parse import parse_qsl

from aiohttp import web

from bridge.http.body import body_of
from bridge.http.verba.errors import invalid

_MAX_FIELDS = 1000
# What is the same as UTF-8 for a form, whose bytes are ASCII where they are percent-encoded.
_CHARSETS = {None, "utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252"}
_URL_ENCODED, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"


async def form_of(request: web.Request) -> list[tuple[str, str]]:
    """The pairs, files left out. Raises -20, whatever is wrong with it."""
    kind = request.content_type if "Content-Type" in request.headers else _URL_ENCODED
    if kind not in (_URL_ENCODED, _MULTIPART):
        return []
    charset = request.charset
    if charset not in _CHARSETS and (charset or "").lower() not in _CHARSETS:
        raise invalid("The form of the request must be in UTF-8.")
    try:
        body = await body_of(request)
        if kind == _MULTIPART:
            return _multipart(request.headers["Content-Type"], body)
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except web.HTTPRequestEntityTooLarge:
        raise invalid("The form of the request is larger than this service takes.") from None
    except Exception:  # multipart can be wrong in many ways
        raise invalid("The form of the request cannot be read.") from None


def _multipart(content_type: str, body: bytes) -> list[tuple[str, str]]:
    """Raises ValueError and what the parser raises."""
    whole = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    parts = whole.get_payload()
    if whole.defects or not isinstance(parts, list) or len(parts) > _MAX_FIELDS:
        raise ValueError("no multipart form")
    pairs = []
    for part in parts:
        if not isinstance(part, Message):
            raise ValueError("no part of a form")
        of_part = dict(part.get_params([], header="content-disposition"))
        name, value = of_part.get("name"), part.get_payload(decode=True)
        if part.defects or not isinstance(name, str) or not isinstance(value, bytes):
            raise ValueError("no field of a form")
        if not any(x.startswith("filename") for x in of_part):
            pairs.append((name, value.decode()))
    return pairs
