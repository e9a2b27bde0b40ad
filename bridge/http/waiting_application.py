"""Answers requests while the database is down: `/health/live` 200, `/health/ready` and all other
paths 503."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from aiohttp import web

from bridge import __version__
from bridge.faults import StorageUnavailable
from bridge.http.error_answers import ERROR_FORMS, ErrorForm
from bridge.http.json_answer import json_answer
from bridge.http.oauth import token
from bridge.http.ops import health
from bridge.http.verba import api as verba_api


def make_waiting_application(
    pbx_name: str, body_max_bytes: int, why: Callable[[], str]
) -> web.Application:
    """`why`: what the service waits for, as `/health/ready` says it."""
    app = web.Application(client_max_size=body_max_bytes)
    forms: dict[str, ErrorForm] = {
        "/oauth/": token.error_form,
        "/verba/api": verba_api.error_form,
    }
    app[ERROR_FORMS] = forms

    async def ready(_: web.Request) -> web.Response:
        error = {
            "code": "storage_unavailable",
            "message": f"The service has not started yet: {why()}",
        }
        body = {
            "status": "not ready",
            "version": __version__,
            "pbx": {"name": pbx_name, "up": False, "why": "not started"},
            "storage": {"up": False, "why": why()},
            "liveCalls": 0,
            "error": error,
        }
        return json_answer(body, status=503)

    async def refuse(_: web.Request) -> NoReturn:
        raise StorageUnavailable(why())

    app.router.add_get("/health/live", health.live)
    app.router.add_get("/health/ready", ready)
    app.router.add_route("*", "/{path:.*}", refuse)
    return app
