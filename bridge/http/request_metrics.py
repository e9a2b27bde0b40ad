"""Counts the requests by their route. Clients choose paths, so a path is never a label."""

from __future__ import annotations

import time
from collections.abc import Callable

from aiohttp import web

from bridge.http.error_answers import Handler
from bridge.metrics.declared import Metrics

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
_NO_ROUTE = "none"


def with_request_metrics(handler: Handler, metrics: Metrics) -> Handler:
    """Wrap `handler`: each answer is counted. The time of a stream is not measured."""

    # By method, route and status, which are few: to look a series up costs more than to count.
    counters: dict[tuple[str, str, int], Callable[[], None]] = {}
    times: dict[str, Callable[[float], None]] = {}

    async def measured(request: web.BaseRequest) -> web.StreamResponse:
        began_s = time.perf_counter()
        response = await handler(request)
        route = route_of(request)
        method = request.method if request.method in _METHODS else "other"
        kind = method, route, response.status
        count = counters.get(kind)
        if count is None:
            count = counters[kind] = metrics.http_requests.labels(method, route, str(kind[2])).inc
        count()
        if not response.prepared:
            took = times.get(route)
            if took is None:
                took = times[route] = metrics.http_request_seconds.labels(route).observe
            took(time.perf_counter() - began_s)
        return response

    return measured


def route_of(request: web.BaseRequest) -> str:
    """The path of the route as it is declared, `/uapi/phoneCalls/{userId}/simple` for one."""
    if not isinstance(request, web.Request):
        return _NO_ROUTE
    try:
        resource = request.match_info.route.resource
    except (AssertionError, AttributeError):
        return _NO_ROUTE  # answered before a route was looked for
    return resource.canonical.removesuffix("{slash}") if resource is not None else _NO_ROUTE
