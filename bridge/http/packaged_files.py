"""Files of this package that anybody may read: in gzip, in pieces, and only if they have changed.

No request packs, and a client that reads slowly costs the memory of one piece, not of the file.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources.abc import Traversable

from aiohttp import ETag, web

from bridge.http.compression import accepts_gzip
from bridge.http.streaming import send_pieces

_PIECE_BYTES = 16 * 1024
_MIN_BYTES_PER_S = 4096
"""A client that takes less is broken off: anybody may ask, and connections are few."""
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class _Contents:
    packed: bytes
    etag: ETag


def packaged_file(
    file: Traversable, content_type: str, headers: Mapping[str, str] | None = None
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A handler that sends `file`; one with the ending `.gz` is packed already.

    `headers` are added to each answer. Browsers keep the file, and ask each time whether it has
    changed.
    """

    @cache
    def contents() -> _Contents:
        data = file.read_bytes()
        packed = data if file.name.endswith(".gz") else gzip.compress(data, mtime=0)
        # Weak, as it means the file packed and unpacked.
        return _Contents(packed, ETag(hashlib.sha256(packed).hexdigest()[:32], is_weak=True))

    async def send(request: web.Request) -> web.StreamResponse:
        kept = await asyncio.to_thread(contents)
        response = web.StreamResponse(headers=headers)
        response.etag = kept.etag
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Vary"] = "Accept-Encoding"
        if any(x.value in ("*", kept.etag.value) for x in request.if_none_match or ()):
            response.set_status(304)
            return response
        response.headers["Content-Type"] = content_type
        response.headers["X-Content-Type-Options"] = "nosniff"
        packed = accepts_gzip(request)
        if packed:
            response.headers["Content-Encoding"] = "gzip"
        return await _send(request, response, kept.packed, packed=packed)

    return send


async def _send(
    request: web.Request, response: web.StreamResponse, contents: bytes, *, packed: bool
) -> web.StreamResponse:
    length = len(contents) if packed else _unpacked_length(contents)
    if request.method == "HEAD":
        response.content_length = length
        return response
    pieces = _pieces(contents) if packed else _unpacked(contents)
    return await send_pieces(request, response, pieces, length, min_bytes_per_s=_MIN_BYTES_PER_S)


def _unpacked_length(packed: bytes) -> int:
    """RFC 1952 §2.3.1: the last four bytes, the lowest first."""
    return int.from_bytes(packed[-4:], "little")


async def _pieces(contents: bytes) -> AsyncIterator[bytes]:
    for begin in range(0, len(contents), _PIECE_BYTES):
        yield contents[begin : begin + _PIECE_BYTES]


async def _unpacked(packed: bytes) -> AsyncIterator[bytes]:
    unpacking = zlib.decompressobj(_GZIP)
    async for piece in _pieces(packed):
        rest = piece
        while rest:
            if unpacked := unpacking.decompress(rest, _PIECE_BYTES):
                yield unpacked
            rest = unpacking.unconsumed_tail
    if unpacked := unpacking.flush():
        yield unpacked
