"""Counts the requests by their route. Clients choose paths, so a path is never a label."""

from __future__ import annotations

import time

from aiohttp import web

from bridge.http.error_answers import Handler
from bridge.metrics.declared import Metrics

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
_NO_ROUTE = "none"


def with_request_metrics(handler: Handler, metrics: Metrics) -> Handler:
    """Wrap `handler`: each answer is counted. The time of a stream is not measured."""

    async def measured(request: web.BaseRequest) -> web.StreamResponse:
        began_s = time.perf_counter()
        response = await handler(request)
        route = route_of(request)
        method = request.method if request.method in _METHODS else "other"
        metrics.http_requests.labels(method, route, str(response.status)).inc()
        if not response.prepared:
            took_s = time.perf_counter() - began_s
            metrics.http_request_seconds.labels(route).observe(took_s)
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
