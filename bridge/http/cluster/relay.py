"""The answer of another instance, told to the client."""

from __future__ import annotations

import asyncio

import structlog
from aiohttp import ClientError, ClientResponse, web

from bridge.cluster.forward_client import ForwardBroken
from bridge.cluster.forward_header import HEADER
from bridge.faults import reason
from bridge.http.answer_headers import answer_headers
from bridge.http.forwarded import REFUSED_HEADER
from bridge.http.request_ids import REQUEST_ID
from bridge.http.streaming import WRITE_SLACK_S, begin_answer, break_off

log = structlog.get_logger()

WHOLE_MAX_BYTES = 16 * 1024 * 1024
"""A longer answer, and one whose length is not told, goes to the client piece by piece."""

_PIECE_BYTES = 64 * 1024
_TEXTS = ("application/json", "text/xml", "application/xml", "text/plain", "text/html")
_NOT_TOLD = frozenset(
    {
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"),
        *("upgrade", "content-length", "date", "server", "vary"),
        *(HEADER.lower(), REQUEST_ID.lower(), REFUSED_HEADER.lower()),
    }
)
_LIMITS = ("RateLimit", "RateLimit-Policy")


async def relayed(
    request: web.Request, answer: ClientResponse, *, min_bytes_per_s: int
) -> web.StreamResponse:
    """The answer as ours: a text at once, anything else piece by piece.

    Raises ForwardBroken, as long as the client has seen nothing of it. Once it has, its connection
    is broken off. A client that takes less than `min_bytes_per_s` is broken off, too.
    """
    if _is_short(request, answer):
        response = web.Response(status=answer.status, body=await whole(answer, WHOLE_MAX_BYTES))
        tell_headers(request, answer, response)
        return response
    stream = web.StreamResponse(status=answer.status)
    tell_headers(request, answer, stream)
    stream.content_length = answer.content_length
    return await _streamed(request, answer, stream, min_bytes_per_s)


async def whole(answer: ClientResponse, max_bytes: int) -> bytes:
    """All of it. Raises ForwardBroken, also where it is longer."""
    body = bytearray()
    try:
        async for piece in answer.content.iter_chunked(_PIECE_BYTES):
            body += piece
            if len(body) > max_bytes:
                raise ForwardBroken(f"its answer is longer than {max_bytes} bytes")
    except (ClientError, OSError, TimeoutError) as why:
        raise ForwardBroken(f"its answer broke off: {reason(why)}") from None
    return bytes(body)


def _is_short(request: web.Request, answer: ClientResponse) -> bool:
    length = answer.content_length
    if request.method == "HEAD":
        return False
    if length is None:  # none is needed for an answer without a body
        return answer.status in (204, 304)
    return length <= WHOLE_MAX_BYTES and (answer.content_type in _TEXTS or length == 0)


def tell_headers(
    request: web.Request, answer: ClientResponse, response: web.StreamResponse
) -> None:
    """Put the headers of the other's answer on ours.

    CORS, `Vary` and the id of the request are those of this instance.
    """
    named = {x.strip().lower() for x in answer.headers.get("Connection", "").split(",")}
    for name, value in answer.headers.items():
        lower = name.lower()
        if lower in _NOT_TOLD or lower in named or lower.startswith("access-control-"):
            continue
        if name in _LIMITS:
            _tell_limit(request, name, value)
        else:
            response.headers.add(name, value)


def _tell_limit(request: web.Request, name: str, value: str) -> None:
    """The limits of the app are counted here, those of calls where the PBX is held."""
    headers = answer_headers(request)
    headers[name] = f"{headers[name]}, {value}" if name in headers else value


async def _streamed(
    request: web.Request, answer: ClientResponse, stream: web.StreamResponse, min_bytes_per_s: int
) -> web.StreamResponse:
    try:
        await begin_answer(request, stream)
        if request.method == "HEAD":
            return stream
        async for piece in answer.content.iter_any():
            async with asyncio.timeout(WRITE_SLACK_S + len(piece) / min_bytes_per_s):
                await stream.write(piece)
    except (ClientError, TimeoutError, OSError) as why:
        log.info("relay_broken_off", path=request.path, why=reason(why))
        return break_off(request)
    return stream
