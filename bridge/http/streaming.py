"""Answers that are sent piece by piece.

Once the first byte of an answer is out, no other answer can follow. The client would take it for a
part of the first one. So a fault breaks the connection off, which every client notices.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import structlog
from aiohttp import web

from bridge.http.answer_headers import add_answer_headers

log = structlog.get_logger()

_BEGUN = web.RequestKey("answer_begun", bool)
WRITE_SLACK_S = 5.0  # for a piece, beside the time that its length takes


async def begin_answer(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Send the head of the answer. From then on there can be no other.

    A WebSocket request without a handshake raises earlier and gets its own answer.
    """
    add_answer_headers(request, response)
    try:
        await response.prepare(request)
    finally:
        if response.prepared:
            request[_BEGUN] = True


def has_begun(request: web.BaseRequest) -> bool:
    """Whether `begin_answer` has sent the head of an answer: no other answer can follow."""
    return _BEGUN in request


def has_left(request: web.BaseRequest) -> bool:
    """Whether the client is gone, so that nobody would read an answer."""
    return request.transport is None or request.transport.is_closing()


def break_off(request: web.BaseRequest) -> web.StreamResponse:
    """Close the connection at once, without the rest of the answer.

    Returns the value that the handler must return; nobody gets it.
    """
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def send_pieces(
    request: web.BaseRequest,
    response: web.StreamResponse,
    pieces: AsyncIterator[bytes],
    length: int,
    *,
    min_bytes_per_s: int,
) -> web.StreamResponse:
    """Send exactly `length` bytes. Raises what the first piece raises, while nothing is sent.

    Later faults, another length, and a client that takes less than `min_bytes_per_s` break the
    connection off.
    """
    first = await anext(pieces, b"")
    response.content_length = length
    sent = 0
    try:
        await begin_answer(request, response)
        piece = first
        while piece:
            sent += len(piece)
            if sent > length:
                break
            async with asyncio.timeout(WRITE_SLACK_S + len(piece) / min_bytes_per_s):
                await response.write(piece)
            try:
                piece = await anext(pieces, b"")
            except Exception as why:
                return _broken(request, sent, length, str(why) or type(why).__name__)
        if sent != length:
            return _broken(request, sent, length, "the source has another length")
        await response.write_eof()
    except TimeoutError:
        return _broken(request, sent, length, f"it is read slower than {min_bytes_per_s} bytes/s")
    except ConnectionError:
        log.info("client_left", path=request.path, remote=request.remote, bytes_sent=sent)
        return break_off(request)
    return response


def _broken(request: web.BaseRequest, sent: int, length: int, why: str) -> web.StreamResponse:
    log.warning(
        "answer_broken_off",
        path=request.path,
        remote=request.remote,
        bytes_sent=sent,
        bytes_in_all=length,
        why=why,
    )
    return break_off(request)
