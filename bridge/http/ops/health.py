"""GET /health/live and /health/ready: for supervisors and for people in a hurry."""

from __future__ import annotations

from aiohttp import web

from bridge import __version__
from bridge.http.context import SERVICES, node_of
from bridge.http.json_answer import json_answer

_NO_PHONES = "the directory's phones are being made on the PBX"


async def live(_: web.Request) -> web.Response:
    """200 while the process answers at all; the state of the PBX and the database does not
    count."""
    return json_answer({"status": "alive", "version": __version__})


async def ready(request: web.Request) -> web.Response:
    """200 when calls can be placed, else 503 with the reason."""
    services, node = request.app[SERVICES], node_of(request)
    link = node.pbx.link
    why = link.why if not link.up else "" if node.phones.ready.is_set() else _NO_PHONES
    unwritten = services.storage_problem()
    body: dict[str, object] = {
        "status": "not ready" if why or unwritten else "ready",
        "version": __version__,
        "pbx": {"name": node.pbx.name, "up": link.up, "why": why},
        "storage": {"up": not unwritten, "why": unwritten},
        "liveCalls": len(node.switchboard.calls.live),
    }
    if node.phones.problem:  # calls with existing phones can be placed
        body["phones"] = {"made": False, "why": node.phones.problem}
    if unrecorded := node.recordings.problem:  # calls can be placed all the same
        body["recordings"] = {"up": False, "why": unrecorded}
    if dead := services.supervisor.problem:
        body["status"] = "not ready"
        body["tasks"] = {"up": False, "why": dead}
        body["error"] = _error("service_failed", f"The service ends: {dead}")
    elif why:
        body["error"] = _error("pbx_unavailable", f"The PBX cannot be used now: {why}")
    elif unwritten:
        body["error"] = _error("storage_unavailable", f"Nothing can be stored now: {unwritten}")
    return json_answer(body, status=503 if "error" in body else 200)


def _error(code: str, message: str) -> dict[str, str]:
    return {"code": code, "message": message}


def add_routes(app: web.Application) -> None:
    app.router.add_get("/health/live", live)
    app.router.add_get("/health/ready", ready)
