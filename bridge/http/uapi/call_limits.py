"""The limits of new calls, on the answer to a request that places them."""

from __future__ import annotations

from aiohttp import web

from bridge.calls.placing import CallPlacement
from bridge.directory.model import Extension
from bridge.http.node_services import NodeServices
from bridge.http.rate_limits import RateLimit, tell_limits


def tell_call_limits(
    request: web.Request, node: NodeServices, payer: Extension | None = None
) -> None:
    """Calls per second and, once the payer is known, calls at a time.

    `node`: that the request has used so far. At the stop it is not found any more.
    """
    placement = node.placement
    tell_limits(request, _pace(placement), *_places(placement, payer))


def _pace(placement: CallPlacement) -> RateLimit:
    pace = placement.pace
    return RateLimit("new-calls", pace.at_once, pace.left, pace.window_s, pace.more_in_s)


def _places(placement: CallPlacement, payer: Extension | None) -> list[RateLimit]:
    if payer is None:
        return []
    names = ("live-calls-of-extension", "live-calls-of-user")
    places = zip(names, placement.places(payer), strict=True)
    return [RateLimit(name, x.most, x.left) for name, x in places]
