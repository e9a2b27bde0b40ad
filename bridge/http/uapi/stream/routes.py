"""GET /uapi/phoneCalls/{userId}/{extension}/stream: the calls of an extension as they change."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from bridge.calls.live.call_feed import FedChange, FeedPosition, Follower
from bridge.calls.state.phone_call import PhoneCall
from bridge.http.answer_headers import answer_headers
from bridge.http.base_url import base_url
from bridge.http.context import SERVICES, Services, node_of
from bridge.http.node_services import NodeServices
from bridge.http.rate_limits import tell_limits
from bridge.http.uapi.fields import Json
from bridge.http.uapi.ignored_parameters import ignored_header, unknown_of
from bridge.http.uapi.phone_call_item import phone_call_item
from bridge.http.uapi.scope import Scope
from bridge.http.uapi.stream.event_ids import position_of
from bridge.http.uapi.stream.first_events import Opening
from bridge.http.uapi.stream.open_stream import (
    GATHERED_S,
    OpenStream,
    stream_response,
)
from bridge.http.uapi.stream.reach import followed_scope, scopes_of_calls
from bridge.http.uapi.stream.shared_items import SharedItem
from bridge.http.uapi.stream.shown_calls import ShownCalls

_AT_ONCE = 50  # changes that are made into text before others have a turn


async def stream_phone_calls(request: web.Request) -> web.StreamResponse:
    """`GET …/stream`: server-sent events, until the client leaves or its rights end."""
    services, scope = request.app[SERVICES], followed_scope(request)
    ignored = ignored_header(request, unknown_of(request.query, {"lastEventId"}))
    answer_headers(request).update(ignored)
    if request.method == "HEAD":
        return stream_response()
    tell_limits(request, services.stream_places.limit(scope.app.client_id))
    with services.stream_places.taken(scope.app.client_id):
        tell_limits(request, services.stream_places.limit(scope.app.client_id))
        return await _CallStream(request, services, node_of(request), scope).run()


class _CallStream:
    """One reader, from the first event to the last."""

    def __init__(
        self, request: web.Request, services: Services, node: NodeServices, scope: Scope
    ) -> None:
        self._request = request
        self._services = services
        self._node = node
        self._scope = scope
        self._scopes = scopes_of_calls(request, scope)
        self._base = base_url(request, services.settings.public_base_url)
        user = request.match_info["userId"]
        self._reach = scope.app.client_id, user, scope.spelled, self._base
        numbers = [x.number for x in scope.extensions]
        self._shown = ShownCalls(numbers, self._show, self._show_change)

    async def run(self) -> web.StreamResponse:
        extensions = [x.number for x in self._scope.extensions]
        with self._node.call_feed.followed(extensions) as follower:
            # Made before anything is awaited: so no change is lost, and none is told twice.
            opening = Opening(
                self._node,
                self._services.records,
                self._scope,
                self._shown,
                _last_event(self._request),
            )
            events = opening.events()
            first = await anext(events, b"")  # may fail, and then have an answer of its own
            stream = OpenStream(self._request, self._scope, follower)
            with self._services.stream_readers.watched(self._request, follower):
                return await stream.run(first, lambda: self._tell(stream, events, follower))

    async def _tell(
        self, stream: OpenStream, events: AsyncIterator[bytes], follower: Follower
    ) -> None:
        async for event in events:
            await stream.write(event)
        while await stream.goes_on():
            changes = await follower.news(stream.heartbeat_in_s, GATHERED_S)
            for start in range(0, len(changes), _AT_ONCE):
                part = changes[start : start + _AT_ONCE]
                await stream.write(b"".join([self._shown.change(x) for x in part]))

    def _show(self, call: PhoneCall) -> Json:
        scope, user = self._scope, ""
        if self._scopes is not None:
            scope, user = self._scopes.scope_of(call)
        return phone_call_item(self._request, scope, call, self._base, user)

    def _show_change(self, fed: FedChange) -> SharedItem:
        return self._node.stream_items.get(fed, self._reach, self._show)


def _last_event(request: web.Request) -> FeedPosition | None:
    """A browser sends the header when it reconnects; a new EventSource cannot."""
    given = request.headers.get("Last-Event-ID") or request.query.get("lastEventId", "")
    return position_of(given)
