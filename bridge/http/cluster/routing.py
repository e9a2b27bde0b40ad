"""The middleware of one of several instances: each request gets to the holder of its PBX."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from bridge.cluster.forward_client import MISDIRECTED
from bridge.cluster.lease import pbx_resource
from bridge.cluster.told_instances import CHANGES
from bridge.http.cluster.asked_owners import CALLS, WRITTEN
from bridge.http.cluster.creates import NothingAccepted, created_here
from bridge.http.cluster.gathered_calls import AskNode, listed_to_json
from bridge.http.cluster.holders import AppHandler, Holders
from bridge.http.cluster.route_table import Where, where_of
from bridge.http.cluster.route_to_pbx import RouteToPbx
from bridge.http.forwarded import CALL_ID, FORWARDED, ForwardedRequest
from bridge.http.json_answer import json_answer
from bridge.http.uapi.scope import scope_of

_LOOK_S = 0.02


class _Middleware(Protocol):
    def __call__(
        self, request: web.Request, handler: AppHandler
    ) -> Awaitable[web.StreamResponse]: ...


@dataclass(frozen=True, slots=True)
class Routing:
    """`routes`: by where a request belongs, who gets it there. `written`: returns once all that
    this instance knows is on disk. `read_changes`: once all that others have changed is known."""

    holders: Holders
    to_pbx: RouteToPbx
    ask_node: AskNode
    written: Callable[[], Awaitable[object]]
    read_changes: Callable[[], Awaitable[None]]

    def middleware(self, app: web.Application) -> _Middleware:
        """For an application with all its routes. Raises RouteMissing."""
        table = where_of(app.router.routes())

        @web.middleware
        async def routed(request: web.Request, handler: AppHandler) -> web.StreamResponse:
            forwarded = request.get(FORWARDED)
            if forwarded is not None:
                return await self._received(request, handler, forwarded)
            return await self._first(request, handler, table)

        return routed

    async def _first(
        self,
        request: web.Request,
        handler: AppHandler,
        table: Mapping[web.AbstractRoute, Where],
    ) -> web.StreamResponse:
        where = table.get(request.match_info.route, Where.HERE)  # a path that no route has: 404
        return await self.to_pbx.answer(where, request, handler)

    async def _received(
        self, request: web.Request, handler: AppHandler, forwarded: ForwardedRequest
    ) -> web.StreamResponse:
        """A request of another instance: carried out here, or not at all."""
        if forwarded.wanted == WRITTEN:
            await self.written()
            return json_answer({})
        if forwarded.wanted == CHANGES:
            await self.read_changes()
            return json_answer({})
        if not await self._chosen(request, forwarded):
            return web.Response(status=MISDIRECTED)
        if forwarded.wanted == CALLS:
            scope = scope_of(request)
            return json_answer(listed_to_json(await self.ask_node(request, scope)))
        if CALL_ID not in request:
            return await handler(request)
        pbx = forwarded.pbx
        try:
            return await created_here(
                request, handler, lambda: self.holders.takes(request, pbx, new_call=True)
            )
        except NothingAccepted:
            return web.Response(status=MISDIRECTED)

    async def _chosen(self, request: web.Request, forwarded: ForwardedRequest) -> bool:
        """Whether this instance carries it out, perhaps after its node has started.

        A node that has just been won reads its calls for some tenths of a second.
        """
        pbx = forwarded.pbx
        while not self.holders.takes(request, pbx, new_call=CALL_ID in request):
            held = self.holders.leases.held(pbx_resource(pbx)) is not None
            if not held or asyncio.get_running_loop().time() >= forwarded.until_s:
                return False
            await asyncio.sleep(_LOOK_S)
        return True
