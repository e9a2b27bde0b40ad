"""The page, and the files that it loads. Nobody needs a token: it says what the document says.

Swagger UI shows the document. assets/swagger-ui/ORIGIN names its version; `make vendor` renews it.
The page has no script of its own and takes none from elsewhere. So no text of the document or of an
answer can become a script.
"""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from aiohttp import web

from bridge.http.packaged_files import packaged_file

ASSETS = files(__package__).joinpath("assets")
_HTML, _SCRIPT, _STYLE = (
    f"{kind}; charset=utf-8" for kind in ("text/html", "text/javascript", "text/css")
)
LOADED = {
    "reference.js": _SCRIPT,
    "reference.css": _STYLE,
    "swagger-ui/swagger-ui-bundle.js.gz": _SCRIPT,
    "swagger-ui/swagger-ui.css.gz": _STYLE,
}
"""The files that the page loads, each with its type."""
_PAGE_HEADERS = {
    # `data:` and `blob:`: symbols of the style sheet, and audio that a request has fetched.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; media-src 'self' blob:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


async def _without_slash(_: web.Request) -> web.Response:
    """The addresses of the files are relative to that of the page."""
    return web.Response(status=308, headers={"Location": "../docs"})


def add_routes(app: web.Application) -> None:
    page = packaged_file(ASSETS.joinpath("reference.html"), _HTML, _PAGE_HEADERS)
    app.router.add_get("/docs", page)
    app.router.add_get("/docs/", _without_slash)
    sending = {
        Path(name).name.removesuffix(".gz"): packaged_file(ASSETS.joinpath(name), content_type)
        for name, content_type in LOADED.items()
    }

    async def loaded(request: web.Request) -> web.StreamResponse:
        return await sending[request.match_info["file"]](request)

    names = "|".join(map(re.escape, sending))
    app.router.add_get(f"/docs/{{file:{names}}}", loaded)
