"""The live calls that a list shows: of one node, or gathered from several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from bridge.calls.state.phone_call import PhoneCall
from bridge.http.context import SERVICES, held_node, node_of
from bridge.http.uapi.phone_call_json import date
from bridge.http.uapi.queue_positions import queue_positions
from bridge.http.uapi.scope import Scope


@dataclass(frozen=True, slots=True)
class ListedCalls:
    """`positions`: of the calls that wait in a queue, by id.

    `stale_since_ms`: since when calls of the PBXs `stale_pbx_names` may have changed unseen; None:
    all is as it is now.
    """

    calls: Sequence[PhoneCall]
    positions: Mapping[str, int]
    stale_since_ms: int | None = None
    stale_pbx_names: tuple[str, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        """Since when, and of which PBXs, the calls may be old."""
        if self.stale_since_ms is None:
            return {}
        since = {"X-Stale-Since": date(self.stale_since_ms) or ""}
        names = {"X-Stale-Nodes": ", ".join(self.stale_pbx_names)}
        return since | names if self.stale_pbx_names else since


LISTED_CALLS = web.RequestKey("listed_calls", ListedCalls)
"""Of a request whose calls were gathered before its handler; else the handler asks its node."""


async def listed_of_node(request: web.Request, scope: Scope) -> ListedCalls:
    """All that the node of the request would show. Raises PbxUnavailable without a node."""
    calls = calls_of_node(request, scope)
    positions = await positions_of(request, calls)
    return ListedCalls(calls, positions, stale_since_ms(request))


def calls_of_node(request: web.Request, scope: Scope) -> Sequence[PhoneCall]:
    """The live calls of the node that the request means. Raises PbxUnavailable without a node."""
    call_id = request.match_info.get("phoneCallId")
    return node_of(request).live_calls.meant(scope.extensions, call_id)


async def positions_of(request: web.Request, calls: Sequence[PhoneCall]) -> Mapping[str, int]:
    """As `queue_positions`, of the node of the request."""
    directory = request.app[SERVICES].directory.directory
    return await queue_positions(node_of(request), directory, calls)


def stale_since_ms(request: web.Request) -> int | None:
    """Since when the PBX of the node cannot be heard; None while it can, and without a node."""
    node = held_node(request)
    return None if node is None or node.pbx.link.up else node.pbx.link.since_ms
