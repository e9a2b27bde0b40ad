"""The aiohttp application: every route and what surrounds it."""

from __future__ import annotations

import asyncio

from aiohttp import web

from bridge.access.guess_guard import GuessGuard
from bridge.http import sip_websocket
from bridge.http.console import routes as console_routes
from bridge.http.context import ENDS, SERVICES, Services
from bridge.http.error_answers import ERROR_FORMS, ErrorForm
from bridge.http.guesses import GUESSES
from bridge.http.oauth import token
from bridge.http.openapi import routes as openapi_routes
from bridge.http.ops import health, metrics
from bridge.http.rate_limits import REQUEST_BUDGET, RequestBudget
from bridge.http.reference_page import routes as reference_page_routes
from bridge.http.uapi import routes
from bridge.http.verba import api as verba_api


def make_application(services: Services) -> web.Application:
    """The aiohttp application with all routes."""
    app = web.Application(client_max_size=services.settings.body_max_bytes)
    app[SERVICES] = services
    app[ENDS] = asyncio.Event()
    app[GUESSES] = GuessGuard(services.settings.guesses)
    app[REQUEST_BUDGET] = RequestBudget(services.settings.requests_per_minute)
    forms: dict[str, ErrorForm] = {
        "/oauth/": token.error_form,
        "/verba/api": verba_api.error_form,
    }
    app[ERROR_FORMS] = forms
    token.add_routes(app)
    health.add_routes(app)
    metrics.add_routes(app)
    routes.add_routes(app)
    verba_api.add_routes(app)
    openapi_routes.add_routes(app)
    if services.settings.reference_page:
        reference_page_routes.add_routes(app)
    if services.settings.console.shown:
        console_routes.add_routes(app)
    sip_websocket.add_routes(app)
    app.on_shutdown.append(_end_streams)
    return app


async def _end_streams(app: web.Application) -> None:
    """A stream would hold the stop up until its time limit."""
    app[ENDS].set()
    for node in app[SERVICES].nodes:
        node.call_feed.close()
