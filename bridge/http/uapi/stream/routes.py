"""GET /uapi/phoneCalls/{userId}/{extension}/stream: the calls of an extension as they change."""

from __future__ import annotations

import asyncio
import time

import structlog
from aiohttp import web

from bridge.calls.live.call_feed import FedChange, FeedPosition, Follower
from bridge.calls.state.phone_call import PhoneCall
from bridge.directory.errors import ExtensionInvalid, UserInvalid
from bridge.http.answer_headers import answer_headers
from bridge.http.base_url import base_url
from bridge.http.context import SERVICES, Services
from bridge.http.errors import UapiError
from bridge.http.rate_limits import tell_limits
from bridge.http.streaming import begin_answer, break_off, has_left
from bridge.http.uapi.fields import Json
from bridge.http.uapi.ignored_parameters import ignored_header, unknown_of
from bridge.http.uapi.phone_call_item import phone_call_item
from bridge.http.uapi.scope import Scope, scope_of
from bridge.http.uapi.stream.event_ids import position_of
from bridge.http.uapi.stream.event_text import HEARTBEAT, OPENING
from bridge.http.uapi.stream.first_events import Opening
from bridge.http.uapi.stream.shared_items import SharedItem
from bridge.http.uapi.stream.shown_calls import ShownCalls

log = structlog.get_logger()

_HEARTBEAT_S = 15.0  # proxies close an answer without bytes after 30 to 60 s
_GATHERED_S = 0.05  # changes that follow each other faster leave together: fewer writes
_LOOKED_AT_S = 1.0  # whether the client is still there: its place is free soon after it left
_WRITE_LIMIT_S = 10.0  # a reader that takes nothing for so long is dropped
_AT_ONCE = 50  # changes that are made into text before others have a turn
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def stream_phone_calls(request: web.Request) -> web.StreamResponse:
    """`GET …/stream`: server-sent events, until the client leaves or its rights end."""
    services, scope = request.app[SERVICES], scope_of(request)
    ignored = ignored_header(request, unknown_of(request.query, {"lastEventId"}))
    answer_headers(request).update(ignored)
    if request.method == "HEAD":
        return _response()
    tell_limits(request, services.stream_places.limit(scope.app.client_id))
    with services.stream_places.taken(scope.app.client_id):
        tell_limits(request, services.stream_places.limit(scope.app.client_id))
        return await _Stream(request, services, scope).run()


def _response() -> web.StreamResponse:
    response = web.StreamResponse(headers=_HEADERS)
    response.content_type, response.charset = "text/event-stream", "utf-8"
    return response


class _Stream:
    """One reader, from the first event to the last."""

    def __init__(self, request: web.Request, services: Services, scope: Scope) -> None:
        self._request = request
        self._services = services
        self._scope = scope
        self._response = _response()
        self._base = base_url(request, services.settings.public_base_url)
        numbers = [x.number for x in scope.extensions]
        self._shown = ShownCalls(numbers, self._show, self._show_change)
        self._heartbeat_due_s = time.monotonic() + _HEARTBEAT_S

    async def run(self) -> web.StreamResponse:
        extensions = [x.number for x in self._scope.extensions]
        with self._services.call_feed.followed(extensions) as follower:
            # Made before anything is awaited: so no change is lost, and none is told twice.
            opening = Opening(self._services, self._scope, self._shown, _last_event(self._request))
            events = opening.events()
            first = await anext(events, b"")  # may fail, and then have an answer of its own
            try:
                await begin_answer(self._request, self._response)
                await self._write(OPENING + first)
                async for event in events:
                    await self._write(event)
                await self._follow(follower)
            except TimeoutError:
                follower.too_slow = True
            except ConnectionError:
                return break_off(self._request)
        if follower.too_slow:
            log.info("stream_reader_dropped", app=self._scope.app.client_id)
            return break_off(self._request)
        return self._response

    async def _follow(self, follower: Follower) -> None:
        while not (follower.ended or has_left(self._request)):
            if not await self._goes_on():
                return
            changes = await follower.news(_LOOKED_AT_S)
            for start in range(0, len(changes), _AT_ONCE):
                part = changes[start : start + _AT_ONCE]
                await self._write(b"".join(self._shown.change(x) for x in part))
            if changes:
                await asyncio.sleep(_GATHERED_S)

    async def _write(self, text: bytes) -> None:
        """Raises TimeoutError for a reader that does not read, ConnectionError without one."""
        if text:
            async with asyncio.timeout(_WRITE_LIMIT_S):
                await self._response.write(text)

    async def _goes_on(self) -> bool:
        """Now and then: a heartbeat, if the token is good and still means these extensions."""
        now_s = time.monotonic()
        if now_s < self._heartbeat_due_s:
            return True
        self._heartbeat_due_s = now_s + _HEARTBEAT_S
        await self._write(HEARTBEAT)
        try:
            scope = scope_of(self._request)
        except (UapiError, UserInvalid, ExtensionInvalid):
            return False
        return {x.number for x in scope.extensions} == {x.number for x in self._scope.extensions}

    def _show(self, call: PhoneCall) -> Json:
        return phone_call_item(self._request, self._scope, call, self._base)

    def _show_change(self, fed: FedChange) -> SharedItem:
        scope, user = self._scope, self._request.match_info["userId"]
        key = fed.position.number, scope.app.client_id, user, scope.spelled, self._base
        return self._services.stream_items.get(key, lambda: self._show(fed.after))


def _last_event(request: web.Request) -> FeedPosition | None:
    """A browser sends the header when it reconnects; a new EventSource cannot."""
    given = request.headers.get("Last-Event-ID") or request.query.get("lastEventId", "")
    return position_of(given)
