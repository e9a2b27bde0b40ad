"""One open stream of server-sent events: its head, its events, its heartbeats, and its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from bridge.calls.live.call_feed import Follower
from bridge.directory.errors import ExtensionInvalid, UserInvalid
from bridge.http.errors import UapiError
from bridge.http.streaming import begin_answer, break_off, has_left
from bridge.http.uapi.scope import Scope
from bridge.http.uapi.stream.event_text import HEARTBEAT, OPENING
from bridge.http.uapi.stream.reach import followed_scope

log = structlog.get_logger()

HEARTBEAT_S = 15.0  # proxies close an answer without bytes after 30 to 60 s
GATHERED_S = 0.02  # changes that follow each other faster leave together: fewer writes
_WRITE_LIMIT_S = 10.0  # a reader that takes nothing for so long is dropped
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def stream_response() -> web.StreamResponse:
    """The answer to a request for a stream, without its events."""
    response = web.StreamResponse(headers=_HEADERS)
    response.content_type, response.charset = "text/event-stream", "utf-8"
    return response


class OpenStream:
    """`follower`: of the calls of these extensions; its end is the end of the stream."""

    def __init__(self, request: web.Request, scope: Scope, follower: Follower) -> None:
        self._request = request
        self._scope = scope
        self._follower = follower
        self._response = stream_response()
        self._heartbeat_due_s = time.monotonic() + HEARTBEAT_S

    async def run(self, first: bytes, tell: Callable[[], Awaitable[None]]) -> web.StreamResponse:
        """Begin with these events. Then `tell` writes all others, as long as `goes_on` says so."""
        try:
            await begin_answer(self._request, self._response)
            await self.write(OPENING + first)
            await tell()
        except TimeoutError:
            self._follower.too_slow = True
        except ConnectionError:
            return break_off(self._request)
        if self._follower.too_slow:
            log.info("stream_reader_dropped", app=self._scope.app.client_id)
            return break_off(self._request)
        return self._response

    async def write(self, text: bytes) -> None:
        """Raises TimeoutError for a reader that does not read, ConnectionError without one."""
        if text:
            async with asyncio.timeout(_WRITE_LIMIT_S):
                await self._response.write(text)

    @property
    def heartbeat_in_s(self) -> float:
        """How long until the reader must hear something."""
        return max(0.0, self._heartbeat_due_s - time.monotonic())

    async def goes_on(self) -> bool:
        """Whether there is a reader that may have more; now and then a heartbeat tells it so.

        With the heartbeat: whether the token is good and still means these extensions.
        """
        if self._follower.ended or has_left(self._request):
            return False
        now_s = time.monotonic()
        if now_s < self._heartbeat_due_s:
            return True
        self._heartbeat_due_s = now_s + HEARTBEAT_S
        await self.write(HEARTBEAT)
        try:
            scope = followed_scope(self._request)
        except (UapiError, UserInvalid, ExtensionInvalid):
            return False
        return {x.number for x in scope.extensions} == {x.number for x in self._scope.extensions}
