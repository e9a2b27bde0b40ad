"""The origins whose web pages may open a WebSocket here (RFC 6455 §10.2).

A browser lets any page connect to any host, also to one that only the user's machine reaches, and
names the page's origin. A phone that does not run in a browser sends no Origin.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address

from aiohttp import web
from yarl import URL

from bridge.http.base_url import base_url
from bridge.http.context import SERVICES
from bridge.http.errors import UapiError

EVERY_ORIGIN = "*"


def require_allowed_origin(request: web.Request, allowed: Collection[str]) -> None:
    """`allowed`: further origins, beside the pages of this host. Raises 403 origin_not_allowed."""
    origins = request.headers.getall("Origin", [])
    if not origins or EVERY_ORIGIN in allowed:
        return
    known = {_origin_of(x) for x in allowed} | {_own_origin(request)}
    if len(origins) > 1 or _origin_of(origins[0]) not in known - {None}:
        raise UapiError(
            403,
            "origin_not_allowed",
            "Pages of this origin may not connect here; BRIDGE_SIP_WEBSOCKET_ORIGINS lists those "
            "that may.",
        )


def _own_origin(request: web.Request) -> tuple[str, int] | None:
    """Host and port that this service is called by.

    A name in the header Host does not count: an attacker's own name may lead to this machine.
    """
    named = request.app[SERVICES].settings.public_base_url
    own = base_url(request, named)
    if named or _is_address(URL(own).host or ""):
        return _origin_of(own)
    return None


def _origin_of(text: str) -> tuple[str, int] | None:
    """Host and port; not the scheme, since a proxy may end TLS before this service."""
    try:
        url = URL(text)
        return (url.host.lower(), url.port) if url.host and url.port else None
    except ValueError:
        return None


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return host.lower() == "localhost"
    return True
