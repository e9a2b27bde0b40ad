"""The aiohttp application: every route and what surrounds it."""

from __future__ import annotations

from aiohttp import web

from bridge.http import sip_websocket
from bridge.http.context import SERVICES, Services
from bridge.http.oauth import token
from bridge.http.ops import health
from bridge.http.uapi import routes
from bridge.http.verba import api as verba_api


def make_application(services: Services) -> web.Application:
    app = web.Application(client_max_size=services.settings.body_max_bytes)
    app[SERVICES] = services
    token.add_routes(app)
    health.add_routes(app)
    routes.add_routes(app)
    verba_api.add_routes(app)
    sip_websocket.add_routes(app)
    return app
