"""GET /health/live and /health/ready: for supervisors and for people in a hurry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from aiohttp import web

from bridge import __version__
from bridge.http.context import SERVICES, Services
from bridge.http.json_answer import json_answer
from bridge.http.ops.instance_health import InstanceHealth, why_not_ready


async def live(_: web.Request) -> web.Response:
    """200 while the process answers at all; the state of the PBX and the database does not
    count."""
    return json_answer({"status": "alive", "version": __version__})


async def ready(request: web.Request) -> web.Response:
    """200 when calls can be placed, else 503 with the reason."""
    services = request.app[SERVICES]
    told, why = _of_pbxs(services)
    unwritten = services.storage_problem()
    body: dict[str, object] = {
        "status": "ready",
        "version": __version__,
        **told,
        "storage": {"up": not unwritten, "why": unwritten},
        "liveCalls": sum(len(x.switchboard.calls.live) for x in services.nodes),
    }
    if unmade := _first(x.phones.problem for x in services.nodes):
        body["phones"] = {"made": False, "why": unmade}  # calls with existing phones can be placed
    if unrecorded := _first(x.recordings.problem for x in services.nodes):
        body["recordings"] = {"up": False, "why": unrecorded}  # calls can be placed all the same
    if dead := services.supervisor.problem:
        body["tasks"] = {"up": False, "why": dead}
        body["error"] = _error("service_failed", f"The service ends: {dead}")
    elif services.instance_health is not None and services.instance_health.stops:
        body["error"] = _error("instance_stopping", "This instance stops; another one answers.")
    elif why:
        body["error"] = _error("pbx_unavailable", f"The PBX cannot be used now: {why}")
    elif unwritten:
        body["error"] = _error("storage_unavailable", f"Nothing can be stored now: {unwritten}")
    if "error" in body:
        body["status"] = "not ready"
    return json_answer(body, status=503 if "error" in body else 200)


def _of_pbxs(services: Services) -> tuple[dict[str, object], str]:
    """The part about the PBX, or about several, and why no call can be placed on any."""
    if services.instance_health is not None:
        return _of_instances(services.instance_health)
    node = services.nodes.only
    if node is None:
        return {}, "it is not held"
    why = why_not_ready(node)
    return {"pbx": {"name": node.pbx.name, "up": node.pbx.link.up, "why": why}}, why


def _of_instances(health: InstanceHealth) -> tuple[dict[str, object], str]:
    pbxs = health.pbxs()
    told: dict[str, object] = {
        "instance": health.own,
        "pbxs": [{**asdict(x), "up": not x.why} for x in pbxs],
        "instances": health.instances(),
    }
    return told, pbxs[0].why if all(x.why for x in pbxs) else ""


def _first(problems: Iterable[str]) -> str:
    return next(filter(None, problems), "")


def _error(code: str, message: str) -> dict[str, str]:
    return {"code": code, "message": message}


def add_routes(app: web.Application) -> None:
    app.router.add_get("/health/live", live)
    app.router.add_get("/health/ready", ready)
