"""A JSON object from a request, whatever its Content-Type says."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aiohttp import web

from bridge.http.uapi.errors import invalid


def json_object(body: bytes) -> Mapping[str, object]:
    """The JSON object in `body`. Raises 400 request_invalid."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise invalid("request_invalid", "The body must be a JSON object in UTF-8.") from None
    if not isinstance(value, dict):
        raise invalid("request_invalid", "The body must be a JSON object.")
    return value


def base_url(request: web.Request, public_base_url: str) -> str:
    """Where this service answers, without a trailing slash: as set, or as the client called it."""
    return public_base_url.rstrip("/") or f"{request.scheme}://{request.host}"
