"""GET /openapi.json: the whole HTTP interface as an OpenAPI 3.1 document.

No token is needed: the document says nothing of this installation.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from aiohttp import web

DOCUMENT = files(__package__).joinpath("openapi.json")
"""Made by `make pages` from the folder `parts`."""


@cache
def _document() -> bytes:
    return DOCUMENT.read_bytes()


async def openapi(_: web.Request) -> web.Response:
    """The OpenAPI document of this service. It needs no token."""
    return web.Response(body=_document(), content_type="application/json", charset="utf-8")


def add_routes(app: web.Application) -> None:
    app.router.add_get("/openapi.json", openapi)
