"""A multipart form, read in a time that its length decides (RFC 7578).

The parsers of aiohttp and `email` allow nesting and headers of any length. No form has these, and
parsing them takes seconds.
"""

from __future__ import annotations

import re
from email.message import Message

MULTIPART = "multipart/form-data"
_PART_HEAD_MAX_BYTES = 1024
CODECS = {
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
"""The charsets of forms, by the names that clients give them."""

_PARAMETER = re.compile(r';\s*([a-z*-]{1,20})="?([^";]*)')


def boundary_of(content_type: str) -> str:
    """Raises ValueError where none is named (RFC 2046 §5.1.1)."""
    head = Message()
    head["Content-Type"] = content_type
    boundary = head.get_boundary()
    if not boundary:
        raise ValueError("no boundary")
    return boundary


def multipart_pairs(boundary: str, body: bytes, codec: str, most: int) -> list[tuple[str, str]]:
    """Name and value of each part except files; at most `most` parts. Raises ValueError."""
    _, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    if not boundary or not parts or not parts[-1].startswith(b"--") or len(parts) > most + 1:
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
            pairs.append((of_part["name"], value.decode(CODECS.get(charset.lower(), codec))))
    return pairs


def _headers(head: str) -> dict[str, str]:
    lines = (line.partition(":") for line in head.split("\r\n"))
    return {name.strip().lower(): value.strip() for name, _, value in lines}
