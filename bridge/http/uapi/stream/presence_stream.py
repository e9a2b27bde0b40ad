"""GET /uapi/extensions/{userId}/{extension}/presence/stream: presence as it changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence

from aiohttp import web

from bridge.calls.live.call_feed import FedChange, Follower
from bridge.calls.state.presence import Presence
from bridge.directory.model import Extension
from bridge.http.answer_headers import answer_headers
from bridge.http.context import SERVICES, node_of
from bridge.http.node_services import NodeServices
from bridge.http.rate_limits import tell_limits
from bridge.http.uapi.fields import Json, requested_fields, select
from bridge.http.uapi.ignored_parameters import ignored_header, unknown_of
from bridge.http.uapi.presence_json import PRESENCE_FIELDS, ExtensionPresence, presence_json
from bridge.http.uapi.presence_now import (
    PAGE_MAX,
    presence_of,
    queues_without_agents,
    with_registrations,
)
from bridge.http.uapi.scope import Scope
from bridge.http.uapi.stream.event_text import event_text
from bridge.http.uapi.stream.open_stream import (
    HEARTBEAT_S,
    OpenStream,
    stream_response,
)
from bridge.http.uapi.stream.reach import followed_scope
from bridge.supervision.fair_share import in_turns

_GATHERED_S = 0.05  # a pick-up is several changes
_LOOKED_AT_S = 1.0  # what nobody tells: a phone that comes or goes
_WITHOUT_PHONES = PRESENCE_FIELDS - {"registration"}


async def stream_presence(request: web.Request) -> web.StreamResponse:
    """`GET …/presence/stream`: server-sent events, until the client leaves or its rights end."""
    services, scope = request.app[SERVICES], followed_scope(request)
    answer_headers(request).update(ignored_header(request, unknown_of(request.query, {"fields"})))
    fields = requested_fields(request.query, PRESENCE_FIELDS) or PRESENCE_FIELDS
    if len(scope.extensions) > PAGE_MAX:
        fields &= _WITHOUT_PHONES
    if request.method == "HEAD":
        return stream_response()
    tell_limits(request, services.stream_places.limit(scope.app.client_id))
    with services.stream_places.taken(scope.app.client_id):
        tell_limits(request, services.stream_places.limit(scope.app.client_id))
        return await _PresenceStream(request, node_of(request), scope, fields).run()


class _PresenceStream:
    """One reader. Its last news are kept, so that it is told changes only."""

    def __init__(
        self, request: web.Request, node: NodeServices, scope: Scope, fields: frozenset[str]
    ) -> None:
        self._request = request
        self._readers = request.app[SERVICES].stream_readers
        self._node = node
        self._scope = scope
        self._fields = fields
        self._extensions = {x.number: x for x in scope.extensions}
        self._told: dict[str, Presence] = {}
        self._phones_told: dict[str, object] = {}
        self._phones_seen = node.phone_changes.count
        self._unattended: frozenset[str] = frozenset()
        self._all_due_s = time.monotonic() + HEARTBEAT_S
        self._link_was_up = node.pbx.link.up
        self._agents_seen = node.queue_agents.changes

    async def run(self) -> web.StreamResponse:
        with self._node.call_feed.followed(self._extensions) as follower:
            self._unattended = await queues_without_agents(self._node, self._scope.extensions)
            entry = await self._shown(self._scope.extensions, with_phones=True)
            stream = OpenStream(self._request, self._scope, follower)
            first = event_text("state", {"entry": entry})
            with self._readers.watched(self._request, follower):
                return await stream.run(first, lambda: self._tell(stream, follower))

    async def _tell(self, stream: OpenStream, follower: Follower) -> None:
        while await stream.goes_on():
            changes = await follower.news(_LOOKED_AT_S)
            if changes:
                await asyncio.sleep(_GATHERED_S)
                changes += await follower.news(0)
            entry = await self._shown(self._with_new_phones(), with_phones=True)
            concerned = await self._concerned(changes)
            entry += await self._shown(concerned, with_phones=False)
            await stream.write(b"".join(event_text("presence", x) for x in entry))

    def _with_new_phones(self) -> list[Extension]:
        """The extensions whose phones have changed since the last time."""
        changes, seen = self._node.phone_changes, self._phones_seen
        if changes.count == seen:
            return []
        self._phones_seen = changes.count
        return [
            x
            for x in self._extensions.values()
            if x.endpoint and changes.since(seen, x.endpoint) and "registration" in self._fields
        ]

    async def _concerned(self, changes: Sequence[FedChange]) -> Iterable[Extension]:
        """The extensions whose status may be another one now.

        Nobody tells some changes: an agent of a queue talks, or a phone registers and does not
        answer. So now and then it is every extension.
        """
        link_up, now_s = self._node.pbx.link.up, time.monotonic()
        agents = self._node.queue_agents.changes
        if (link_up, agents) != (self._link_was_up, self._agents_seen) or now_s >= self._all_due_s:
            self._link_was_up, self._agents_seen = link_up, agents
            self._all_due_s = now_s + HEARTBEAT_S
            self._unattended = await queues_without_agents(self._node, self._scope.extensions)
            return self._extensions.values()
        numbers = {
            number
            for change in changes
            for call in (change.before, change.after)
            if call is not None
            for number in call.extensions
        }
        return [self._extensions[x] for x in numbers if x in self._extensions]

    async def _shown(self, extensions: Iterable[Extension], *, with_phones: bool) -> list[Json]:
        """The entries of those that show something new, which counts as told then.

        The PBX is asked for phones only if they may be others.
        """
        found = await in_turns(extensions, self._now)
        fields = self._fields if with_phones else self._fields & _WITHOUT_PHONES
        if "registration" in fields:
            found = await with_registrations(self._node, found)
        return [
            select(presence_json(x, self._scope.spelled), fields) for x in found if self._is_new(x)
        ]

    def _is_new(self, one: ExtensionPresence) -> bool:
        number = one.extension.number
        new = self._told.get(number) is not one.status
        self._told[number] = one.status
        if one.phones is not None:
            phones = [(x.agent, x.address) for x in one.phones]
            new = new or self._phones_told.get(number) != phones
            self._phones_told[number] = phones
        return new

    def _now(self, extension: Extension) -> ExtensionPresence:
        return presence_of(self._node, extension, extension.number in self._unattended)
