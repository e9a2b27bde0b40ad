"""The address of this service as the client called it, for links in answers."""

from __future__ import annotations

import re

from aiohttp import web
from yarl import URL

from bridge.http.errors import invalid

_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?\Z")
_PORT_MAX = 65535


def base_url(request: web.Request, public_base_url: str) -> str:
    """Without a trailing slash: as the settings say, or as the client called it."""
    if public_base_url:
        return public_base_url.rstrip("/")
    target = _absolute_target(request)
    if target is not None:  # RFC 9112 §3.2.2: then it counts, and not the header Host
        return f"{target.scheme}://{target.raw_authority}"
    return f"{request.scheme}://{request.headers.get('Host') or _own_authority(request)}"


def require_host(request: web.BaseRequest) -> None:
    """Refuse what no link could be made of, before anything is done.

    Raises 400 request_invalid (RFC 9112 §3.2).
    """
    target = _absolute_target(request)
    if target is not None:
        valid = target.scheme in ("http", "https") and _is_authority(target.raw_authority)
    else:
        host = request.headers.get("Host")
        valid = not host or _is_authority(host)
    if not valid:
        raise invalid(
            "request_invalid", "Host must be a name or an IP address, with an optional port."
        )


def _absolute_target(request: web.BaseRequest) -> URL | None:
    """The target of the request line, if it names scheme and host."""
    if request.raw_path.startswith("/"):
        return None
    if request.method == "CONNECT":  # names no scheme, and nothing that we have
        return URL.build(authority=request.raw_path, encoded=True)
    target = URL(request.raw_path, encoded=True)
    return target if target.absolute else None


def _is_authority(text: str) -> bool:
    found = _AUTHORITY.match(text)
    return found is not None and int(found[1] or 0) <= _PORT_MAX


def _own_authority(request: web.Request) -> str:
    """HTTP/1.0 needs no Host."""
    if request.transport is None:
        return request.host
    address, port, *_ = request.transport.get_extra_info("sockname")
    return authority(address, port)


def authority(host: str, port: int) -> str:
    """Host and port as in a URL: `192.0.2.1:8080`, `[::1]:8080`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
