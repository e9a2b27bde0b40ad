"""GET /metrics: the metrics in Prometheus' text format."""

from __future__ import annotations

import hmac

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from bridge.http.context import SERVICES
from bridge.http.errors import access_denied
from bridge.metrics.exposition import Exposition


async def _metrics(request: web.Request) -> web.Response:
    """Raises 404 without a token in the settings, 401 for another token."""
    services = request.app[SERVICES]
    token = services.settings.metrics_token
    if not token:
        raise web.HTTPNotFound
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        raise access_denied()
    return _answer(services.metrics)


def add_routes(app: web.Application) -> None:
    """Add the route of the API's own port, which asks for a token."""
    app.router.add_get("/metrics", _metrics)


def metrics_application(text: Exposition) -> web.Application:
    """The application of the port of the metrics, which asks for nothing."""

    async def metrics(_: web.Request) -> web.Response:
        return _answer(text)

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    return app


def _answer(text: Exposition) -> web.Response:
    return web.Response(body=text(), headers={"Content-Type": CONTENT_TYPE_LATEST})
