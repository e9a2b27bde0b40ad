"""The span of each request, by its route. Clients choose paths, so a path is never in a trace."""

from __future__ import annotations

from aiohttp import web

from bridge.http.error_answers import Handler
from bridge.http.request_metrics import route_of
from bridge.tracing.traces import Traces


def with_traces(handler: Handler, traces: Traces) -> Handler:
    """Wrap `handler`: each request has a span, which carries on the client's `traceparent`."""

    async def traced(request: web.BaseRequest) -> web.StreamResponse:
        with traces.request(request.method, request.headers) as span:
            response = await handler(request)
            span.answered(route_of(request), response.status)
            return response

    return traced
