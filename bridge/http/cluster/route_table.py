"""For each route, which PBX its requests are for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum, auto

from aiohttp import web


class Where(Enum):
    """The place where a request is answered.

    `HERE`: any instance, from what all share. `RECORDS`: any instance, once the holders of all PBXs
    have written what they know. The others are for the PBX: `CREATE`: of the user who pays; `CALL`:
    of the call in the path, and any instance once it has ended; `LISTED`: all on which the
    extensions have calls; `HANGUP` and `ACTION`: those, or that of the call in the path; `STREAM`:
    all; `HOME` and `HOME_STREAM`: of the user in the path; `PHONE`: of the phone in the path;
    `VERBA`: of the conversation.
    """

    HERE = auto()
    RECORDS = auto()
    CREATE = auto()
    CALL = auto()
    LISTED = auto()
    HANGUP = auto()
    ACTION = auto()
    STREAM = auto()
    HOME = auto()
    HOME_STREAM = auto()
    PHONE = auto()
    VERBA = auto()


_CALLS = "/uapi/phoneCalls/{userId}"
_EXTENSION = "/uapi/extensions/{userId}/{extension}"
_EVENTS = f"{_EXTENSION}/phoneCallEvents"
_ONE_EVENT = f"{_EVENTS}/{{eventType}}/{{eventId}}"
_EVERY = "GET PUT DELETE POST"

_ROWS: tuple[tuple[str, str, Where], ...] = (
    ("POST", f"{_CALLS}/simple", Where.CREATE),
    ("POST", f"{_CALLS}/callback", Where.CREATE),
    ("POST", f"{_CALLS}/conferenceInvite", Where.CREATE),
    ("POST", f"{_CALLS}/statusSecret", Where.HERE),
    ("GET", f"{_CALLS}/{{extension}}/stream", Where.STREAM),
    ("GET", f"{_CALLS}/{{extension}}", Where.LISTED),
    ("DELETE", f"{_CALLS}/{{extension}}", Where.HANGUP),
    ("PUT", f"{_CALLS}/{{extension}}", Where.ACTION),
    ("GET", f"{_CALLS}/{{extension}}/{{phoneCallId}}", Where.LISTED),
    ("DELETE", f"{_CALLS}/{{extension}}/{{phoneCallId}}", Where.HANGUP),
    ("PUT", f"{_CALLS}/{{extension}}/{{phoneCallId}}", Where.ACTION),
    ("GET", f"{_CALLS}/{{extension}}/{{phoneCallId}}/timeline", Where.CALL),
    (_EVERY, _EVENTS, Where.HERE),
    (_EVERY, f"{_EVENTS}/{{eventType}}", Where.HERE),
    ("GET PUT DELETE", _ONE_EVENT, Where.HERE),
    ("POST", f"{_ONE_EVENT}/secret", Where.HERE),
    ("POST", f"{_ONE_EVENT}/test", Where.HERE),
    ("GET", f"{_ONE_EVENT}/deliveries", Where.RECORDS),
    ("POST", f"{_ONE_EVENT}/deliveries/{{deliveryId}}/retry", Where.HERE),
    ("GET", "/uapi/cdr", Where.RECORDS),
    ("GET", "/uapi/cdr/{userId}", Where.RECORDS),
    ("GET", "/uapi/cdr/stats", Where.RECORDS),
    ("GET", "/uapi/cdr/stats/{userId}", Where.RECORDS),
    ("GET", f"{_EXTENSION}/conference/members", Where.HOME),
    ("PUT DELETE", f"{_EXTENSION}/conference/members/{{phoneCallId}}", Where.HOME),
    ("GET", f"{_EXTENSION}/presence", Where.HOME),
    ("GET", f"{_EXTENSION}/presence/stream", Where.HOME_STREAM),
    ("GET", f"{_EXTENSION}/queue/agents", Where.HOME),
    ("GET PUT", f"{_EXTENSION}/queue/agents/{{agent}}", Where.HOME),
    ("GET", f"{_EXTENSION}/queue/callers", Where.HOME),
    ("*", "/uapi/faxes{rest}", Where.HERE),
    ("GET POST", "/verba/api", Where.VERBA),
    ("POST *", "/oauth/token.php", Where.HERE),
    ("POST *", "/oauth/token", Where.HERE),
    ("GET", "/health/live", Where.HERE),
    ("GET", "/health/ready", Where.HERE),
    ("GET", "/metrics", Where.HERE),
    ("GET", "/openapi.json", Where.HERE),
    # The pages and the files of the console and of the reference.
    ("GET", "/console", Where.HERE),
    ("GET", "/console/", Where.HERE),
    ("GET", "/console/{file}", Where.HERE),
    ("GET", "/docs", Where.HERE),
    ("GET", "/docs/", Where.HERE),
    ("GET", "/docs/{file}", Where.HERE),
    ("GET POST DELETE", "/console/session", Where.HERE),
    ("GET", "/console/reach", Where.HERE),
    ("GET", "/console/phones/{extension}", Where.HERE),
    ("POST", "/console/phones/{extension}/provisioning", Where.HERE),
    ("GET", "/console/provision/{code}", Where.HERE),
    ("POST", "/console/phones/{extension}/browser", Where.PHONE),
    ("GET", "/console/charts", Where.RECORDS),
    ("GET", "/console/ladder/{userId}/{extension}/{phoneCallId}", Where.CALL),
    # Phones speak SIP there, with the edge or with the one PBX that there is.
    ("GET", "/ws", Where.HERE),
)
_HEAD = {"HEAD": "GET"}


class RouteMissing(Exception):
    """A route is not in the table. `str()` names it."""


def where_of(routes: Iterable[web.AbstractRoute]) -> Mapping[web.AbstractRoute, Where]:
    """Of each route of the application. Raises RouteMissing."""
    known = {(method, path): where for methods, path, where in _ROWS for method in methods.split()}
    found = {}
    for route in routes:
        path = "" if route.resource is None else route.resource.canonical
        key = _HEAD.get(route.method, route.method), _plain(path)
        if key not in known:
            raise RouteMissing(f"{key[0]} {key[1]}")
        found[route] = known[key]
    return found


def _plain(path: str) -> str:
    """Both prefixes of the UnifiedAPI mean the same."""
    return path.removesuffix("{slash}").replace("/unifiedapi/", "/uapi/", 1)
