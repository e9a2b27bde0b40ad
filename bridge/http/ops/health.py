"""GET /health/live and /health/ready: for supervisors and for people in a hurry."""

from __future__ import annotations

from aiohttp import web

from bridge import __version__
from bridge.http.context import SERVICES
from bridge.http.uapi.json_answer import json_answer

_NO_PHONES = "the directory's phones are being made on the PBX"


async def live(_: web.Request) -> web.Response:
    return json_answer({"status": "alive", "version": __version__})


async def ready(request: web.Request) -> web.Response:
    """200 when calls can be placed, else 503 with the reason."""
    services = request.app[SERVICES]
    link = services.pbx.link
    why = link.why if not link.up else "" if services.phones.ready.is_set() else _NO_PHONES
    body = {
        "status": "not ready" if why else "ready",
        "version": __version__,
        "pbx": {"name": services.pbx.name, "up": link.up, "why": why},
        "liveCalls": len(services.switchboard.calls.live),
    }
    if services.phones.problem:  # calls with those that exist can be placed all the same
        body["phones"] = {"made": False, "why": services.phones.problem}
    if not why:
        return json_answer(body)
    error = {"code": "pbx_unavailable", "message": f"The PBX cannot be used now: {why}"}
    return json_answer({**body, "error": error}, status=503)


def add_routes(app: web.Application) -> None:
    app.router.add_get("/health/live", live)
    app.router.add_get("/health/ready", ready)
