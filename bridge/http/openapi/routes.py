"""GET /openapi.json: the whole HTTP interface as an OpenAPI 3.1 document.

No token is needed: the document says nothing of this installation.
"""

from __future__ import annotations

from importlib.resources import files

from aiohttp import web

from bridge.http.packaged_files import packaged_file

DOCUMENT = files(__package__).joinpath("openapi.json")
"""Made by `make pages` from the folder `parts`."""

openapi = packaged_file(DOCUMENT, "application/json; charset=utf-8")
"""The OpenAPI document of this service. It needs no token."""


def add_routes(app: web.Application) -> None:
    app.router.add_get("/openapi.json", openapi)
