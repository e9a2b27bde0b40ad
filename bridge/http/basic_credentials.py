"""Name and password of HTTP Basic (RFC 7617)."""

from __future__ import annotations

import base64

from aiohttp import web


def basic_credentials(request: web.Request) -> tuple[str, str] | None:
    """None if the request has no `Authorization: Basic`. Raises ValueError if it cannot be read."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    return name, password
