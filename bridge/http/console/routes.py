"""/console/: the page of the web console, its files, and the routes that only it uses."""

from __future__ import annotations

import re

from aiohttp import web

from bridge.console.assets import PAGE, loaded_files, policy
from bridge.http.console import charts
from bridge.http.console.browser_phone import browser_phone
from bridge.http.console.ladder import call_ladder
from bridge.http.console.phone_settings import (
    make_provisioning_address,
    phone_settings,
    provision,
)
from bridge.http.console.reach import reach
from bridge.http.console.sign_in import session, sign_in, sign_out
from bridge.http.packaged_files import packaged_file


async def _with_slash(_: web.Request) -> web.Response:
    """The addresses of the files are relative to that of the page."""
    return web.Response(status=308, headers={"Location": "console/"})


def add_routes(app: web.Application) -> None:
    files = loaded_files()
    page, content_type = files.pop(PAGE)
    headers = {
        "Content-Security-Policy": policy(page.read_text("utf-8")),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
    }
    app.router.add_get("/console", _with_slash)
    app.router.add_get("/console/", packaged_file(page, content_type, headers))
    app.router.add_get("/console/session", session)
    app.router.add_post("/console/session", sign_in)
    app.router.add_delete("/console/session", sign_out)
    app.router.add_get("/console/reach", reach)
    app.router.add_get("/console/phones/{extension}", phone_settings)
    app.router.add_post("/console/phones/{extension}/provisioning", make_provisioning_address)
    # No HEAD: who only looks at an address must not use it up.
    app.router.add_get("/console/provision/{code}", provision, allow_head=False)
    app.router.add_post("/console/phones/{extension}/browser", browser_phone)
    charts.add_routes(app)
    ladder = "/console/ladder/{userId}/{extension}/{phoneCallId}"
    app.router.add_get(ladder, call_ladder)
    sending = {path: packaged_file(*found) for path, found in files.items()}

    async def loaded(request: web.Request) -> web.StreamResponse:
        return await sending[request.match_info["file"]](request)

    names = "|".join(map(re.escape, sending))
    app.router.add_get(f"/console/{{file:{names}}}", loaded)
