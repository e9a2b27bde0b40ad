"""The form of a POST, in a few charsets, read in a time that its length decides.

aiohttp's own reading decodes with whatever charset the client names, and some of Python's take
seconds for a few bytes; an unknown name is remembered for ever. Its multipart, as that of `email`,
allows for nesting and for headers of any length, which no form has and which take seconds too.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.helpers import parse_mimetype

from bridge.http.body import body_of
from bridge.http.verba.errors import invalid

_MAX_FIELDS = 1000
_PART_HEAD_MAX_BYTES = 1024
_URL_ENCODED, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_CODECS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "iso-8859-1": "latin-1",
    "latin-1": "latin-1",
    "latin1": "latin-1",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
}
_PARAMETER = re.compile(r';\s*([a-z*-]{1,20})="?([^";]*)')


async def form_of(request: web.Request) -> list[tuple[str, str]]:
    """The pairs, files left out. Raises -20, whatever is wrong with it."""
    kind = request.content_type if "Content-Type" in request.headers else _URL_ENCODED
    if kind not in (_URL_ENCODED, _MULTIPART):
        return []
    codec = _CODECS.get((request.charset or "utf-8").lower())
    if codec is None:
        raise invalid("The form of the request must be in UTF-8.")
    try:
        body = await body_of(request)
        if kind == _MULTIPART:
            boundary = parse_mimetype(request.headers["Content-Type"]).parameters["boundary"]
            return multipart_pairs(boundary, body, codec)
        try:
            return _url_encoded(body, codec)
        except UnicodeDecodeError:
            if request.charset is not None:
                raise
            return _url_encoded(body, "latin-1")  # as some clients do without saying so
    except web.HTTPRequestEntityTooLarge:
        raise invalid("The form of the request is larger than this service takes.") from None
    except Exception:
        raise invalid("The form of the request cannot be read.") from None


def _url_encoded(body: bytes, codec: str) -> list[tuple[str, str]]:
    return parse_qsl(
        body.decode(codec),
        keep_blank_values=True,
        encoding=codec,
        errors="strict",
        max_num_fields=_MAX_FIELDS,
    )


def multipart_pairs(boundary: str, body: bytes, codec: str) -> list[tuple[str, str]]:
    """Name and value of each part that is no file (RFC 7578). Raises ValueError."""
    _, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    if not boundary or not parts or not parts[-1].startswith(b"--") or len(parts) > _MAX_FIELDS:
        raise ValueError("no multipart form")
    pairs = []
    for part in parts[:-1]:
        head, found, value = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if not found or len(head) > _PART_HEAD_MAX_BYTES:
            raise ValueError("no part of a form")
        headers = _headers(head.decode())
        of_part = dict(_PARAMETER.findall(headers["content-disposition"]))
        if headers.get("content-transfer-encoding", "binary") not in ("7bit", "8bit", "binary"):
            raise ValueError("an encoding that forms do not have")
        if not any(x.startswith("filename") for x in of_part):
            charset = dict(_PARAMETER.findall(headers.get("content-type", ""))).get("charset", "")
            pairs.append((of_part["name"], value.decode(_CODECS.get(charset.lower(), codec))))
    return pairs


def _headers(head: str) -> dict[str, str]:
    lines = (line.partition(":") for line in head.split("\r\n"))
    return {name.strip().lower(): value.strip() for name, _, value in lines}
