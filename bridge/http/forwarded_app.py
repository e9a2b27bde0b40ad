"""The app of a forwarded request: another instance has authenticated it, and counts its
requests."""

from __future__ import annotations

from aiohttp import web

from bridge.directory.model import App
from bridge.directory.requester import Requester
from bridge.http.context import SERVICES
from bridge.http.error_answers import APP
from bridge.http.errors import UapiError
from bridge.http.forwarded import ForwardedRequest


def forwarded_app(request: web.Request, forwarded: ForwardedRequest) -> tuple[App, Requester]:
    """The app in the directory of this instance.

    Raises 503 directories_differ: this directory does not have it yet, or not any more.
    """
    directory = request.app[SERVICES].directory.directory
    app = directory.clients.get(forwarded.principal)
    if app is None:
        raise UapiError(
            503, "directories_differ", "The instances have different directories at the moment."
        )
    request[APP] = app.client_id
    return app, Requester.of_app(directory, app)
