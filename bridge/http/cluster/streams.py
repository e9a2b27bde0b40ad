"""A stream of events from the holder of a PBX, told to the client as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from aiohttp import ClientError, ClientResponse, web

from bridge.calls.pbx import PbxNotHeld
from bridge.cluster.forward_client import ForwardBroken
from bridge.cluster.forwarding import DEADLINE_S, HeldHere, NoHolder
from bridge.directory.errors import ExtensionInvalid, UserInvalid
from bridge.faults import reason
from bridge.http.cluster.holders import AppHandler, Holders
from bridge.http.cluster.outgoing import outgoing, stated
from bridge.http.cluster.relay import relayed, tell_headers
from bridge.http.errors import UapiError
from bridge.http.streaming import begin_answer, break_off, has_left
from bridge.http.uapi.stream.reach import followed_scope

log = structlog.get_logger()

_LOOK_S = 1.0  # for a reader that has left
_RIGHTS_S = 15.0  # as streams of this instance
_WRITE_LIMIT_S = 10.0


class Streams:
    """The rights of the reader are looked at here: its token is not sent on."""

    def __init__(self, holders: Holders) -> None:
        self._holders = holders

    async def answer(
        self, request: web.Request, handler: AppHandler, pbx_names: Sequence[str]
    ) -> web.StreamResponse:
        """The stream, until the reader leaves, its rights end or the holder does.

        Raises PbxNotHeld before the first event.
        """
        followed_scope(request)
        [pbx] = pbx_names
        if self._holders.takes(request, pbx):
            return await handler(request)
        try:
            async with self._holders.forwarder.answer(
                pbx,
                stated(request),
                await outgoing(request),
                lambda: self._holders.takes(request, pbx),
                head_within_s=DEADLINE_S,
            ) as answer:
                if request.method == "HEAD" or answer.status != web.HTTPOk.status_code:
                    return await relayed(request, answer, min_bytes_per_s=1)
                return await _Relay(request, answer).run()
        except HeldHere:
            return await handler(request)
        except (NoHolder, ForwardBroken) as why:
            raise PbxNotHeld(str(why)) from None


class _Relay:
    def __init__(self, request: web.Request, answer: ClientResponse) -> None:
        self._request = request
        self._answer = answer
        self._rights_due_s = _now_s() + _RIGHTS_S

    async def run(self) -> web.StreamResponse:
        stream = web.StreamResponse(status=self._answer.status)
        tell_headers(self._request, self._answer, stream)
        try:
            await begin_answer(self._request, stream)
            while self._goes_on():
                piece = await self._next()
                if piece is None:
                    continue
                if not piece:
                    break
                async with asyncio.timeout(_WRITE_LIMIT_S):
                    await stream.write(piece)
        except (ClientError, TimeoutError, OSError) as why:
            log.info("stream_broken_off", path=self._request.path, why=reason(why))
            return break_off(self._request)
        return stream

    async def _next(self) -> bytes | None:
        """The bytes that came; empty at the end; None: nothing for a while."""
        content = self._answer.content
        try:
            async with asyncio.timeout(_LOOK_S):
                return await content.readany()
        except TimeoutError:
            return None

    def _goes_on(self) -> bool:
        if has_left(self._request):
            return False
        if _now_s() < self._rights_due_s:
            return True
        self._rights_due_s = _now_s() + _RIGHTS_S
        try:
            followed_scope(self._request)
        except (UapiError, UserInvalid, ExtensionInvalid):
            return False
        return True


def _now_s() -> float:
    return asyncio.get_running_loop().time()
