"""The form of a POST, in a few charsets, read in a time that its length decides.

aiohttp's own reading decodes with whatever charset the client names, and some of Python's take
seconds for a few bytes; Python keeps every unknown name in memory.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from aiohttp import web

from bridge.http.body import body_of
from bridge.http.multipart_form import CODECS, MULTIPART, boundary_of, multipart_pairs
from bridge.http.verba.errors import invalid_parameter

_MAX_FIELDS = 1000
_URL_ENCODED = "application/x-www-form-urlencoded"


async def form_of(request: web.Request) -> list[tuple[str, str]]:
    """The pairs, files left out. Raises -20, whatever is wrong with it."""
    kind = request.content_type if "Content-Type" in request.headers else _URL_ENCODED
    if kind not in (_URL_ENCODED, MULTIPART):
        return []
    codec = CODECS.get((request.charset or "utf-8").lower())
    if codec is None:
        raise invalid_parameter("The form of the request must be in UTF-8.")
    try:
        body = await body_of(request)
        if kind == MULTIPART:
            boundary = boundary_of(request.headers["Content-Type"])
            return multipart_pairs(boundary, body, codec, _MAX_FIELDS)
        try:
            return _url_encoded(body, codec)
        except UnicodeDecodeError:
            if request.charset is not None:
                raise
            return _url_encoded(body, "latin-1")  # as some clients do without saying so
    except web.HTTPRequestEntityTooLarge:
        raise invalid_parameter(
            "The form of the request is larger than this service takes."
        ) from None
    except Exception:
        raise invalid_parameter("The form of the request cannot be read.") from None


def _url_encoded(body: bytes, codec: str) -> list[tuple[str, str]]:
    return parse_qsl(
        body.decode(codec),
        keep_blank_values=True,
        encoding=codec,
        errors="strict",
        max_num_fields=_MAX_FIELDS,
    )
