"""A stream of events from the holders of PBXs, told to the client as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence

import structlog
from aiohttp import ClientError, ClientResponse, web

from bridge.calls.pbx import PbxNotHeld
from bridge.cluster.forward_client import ForwardBroken
from bridge.cluster.forwarding import HeldHere, NoHolder
from bridge.faults import reason
from bridge.http.cluster.holders import AppHandler, Holders
from bridge.http.cluster.merged_stream import MergedStream
from bridge.http.cluster.outgoing import outgoing, stated
from bridge.http.cluster.reader import LOOK_S, Reader
from bridge.http.cluster.relay import relayed, tell_headers
from bridge.http.streaming import break_off
from bridge.http.uapi.stream.reach import followed_scope
from bridge.supervision.tasks import awaited

log = structlog.get_logger()


class Streams:
    """Of one PBX as its holder tells it, byte by byte; of several merged."""

    def __init__(self, holders: Holders) -> None:
        self._holders = holders

    async def answer(
        self, request: web.Request, handler: AppHandler, pbx_names: Sequence[str]
    ) -> web.StreamResponse:
        """The stream, until the reader leaves, its rights end, or a holder is gone for good.

        Raises PbxNotHeld before the first event, and the refusals of `followed_scope`.
        """
        followed_scope(request)
        if len(pbx_names) > 1 and request.method != "HEAD":
            return await MergedStream(request, self._holders.forwarder, pbx_names).run()
        pbx = pbx_names[0]
        if self._holders.takes(request, pbx):
            return await handler(request)
        try:
            async with self._holders.forwarder.answer(
                pbx,
                stated(request),
                await outgoing(request),
                lambda: self._holders.takes(request, pbx),
            ) as answer:
                if request.method == "HEAD" or answer.status != web.HTTPOk.status_code:
                    return await relayed(request, answer, min_bytes_per_s=1)
                return await _relayed_stream(request, answer)
        except HeldHere:
            return await handler(request)
        except (NoHolder, ForwardBroken) as why:
            raise PbxNotHeld(str(why)) from None


async def until_moved(
    request: web.Request,
    stream: Coroutine[object, object, web.StreamResponse],
    is_moved: Callable[[], bool],
) -> web.StreamResponse:
    """The stream, broken off once its organization is on another PBX: its reader comes back."""
    telling = awaited(stream, "stream_of_home")
    try:
        while not telling.done():
            await asyncio.wait({telling}, timeout=LOOK_S)
            if is_moved() and not telling.done():
                log.info("stream_of_moved_organization_ended", path=request.path)
                return break_off(request)
        return await telling
    finally:
        telling.cancel()
        await asyncio.wait({telling})


async def _relayed_stream(request: web.Request, answer: ClientResponse) -> web.StreamResponse:
    reader = Reader(request, web.StreamResponse(status=answer.status))
    tell_headers(request, answer, reader.response)
    try:
        await reader.begin()
        while reader.goes_on():
            piece = await _next(answer)
            if piece is None:
                continue
            if not piece:
                break
            await reader.write(piece)
    except (ClientError, TimeoutError, OSError) as why:
        log.info("stream_broken_off", path=request.path, why=reason(why))
        return break_off(request)
    return reader.response


async def _next(answer: ClientResponse) -> bytes | None:
    """The bytes that came; empty at the end; None: nothing for a while."""
    try:
        async with asyncio.timeout(LOOK_S):
            return await answer.content.readany()
    except TimeoutError:
        return None
