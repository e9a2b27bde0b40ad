"""CORS: web pages of other origins that may use the API (Fetch standard, "CORS protocol").

Tokens come in a header that the page sets itself, so no cookie is ever allowed along
(`Access-Control-Allow-Credentials` is never sent).
"""

from __future__ import annotations

from collections.abc import Collection

from aiohttp import web
from yarl import URL

from bridge.http.allowed_origins import EVERY_ORIGIN
from bridge.http.answer_headers import answer_headers
from bridge.http.error_answers import Handler

_METHODS = "GET, HEAD, POST, PUT, DELETE"
_REQUEST_HEADERS = "Authorization, Content-Type, Idempotency-Key, Prefer, X-Request-Id"
_EXPOSED = (
    "Retry-After, X-Request-Id, X-Ignored-Parameters, X-Stale-Since, X-Stale-Nodes, "
    "RateLimit, RateLimit-Policy, Preference-Applied, Idempotent-Replayed, Link, Location"
)
_MAX_AGE_S = "600"  # so long a browser need not ask again; Chromium takes up to two hours


def with_cross_origin(handler: Handler, allowed: Collection[str]) -> Handler:
    """Wrap `handler`: pages of the origins `allowed` may read its answers, errors as well.

    A preflight of such a page is answered here. `*` allows every origin; nothing allows none.
    """
    if not allowed:
        return handler
    every = EVERY_ORIGIN in allowed
    known = {_normal(x) for x in allowed}

    async def crossing(request: web.BaseRequest) -> web.StreamResponse:
        headers = answer_headers(request)
        if not every:
            headers["Vary"] = "Origin"  # a cache must not give one page the answer of another
        origins = request.headers.getall("Origin", [])
        if len(origins) != 1 or not (every or _normal(origins[0]) in known):
            return await handler(request)
        headers["Access-Control-Allow-Origin"] = EVERY_ORIGIN if every else origins[0]
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            headers["Access-Control-Allow-Methods"] = _METHODS
            headers["Access-Control-Allow-Headers"] = _REQUEST_HEADERS
            headers["Access-Control-Max-Age"] = _MAX_AGE_S
            return web.Response(status=204)
        headers["Access-Control-Expose-Headers"] = _EXPOSED
        return await handler(request)

    return crossing


def _normal(origin: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None is in no set of settings that were checked."""
    try:
        url = URL(origin)
        return (url.scheme, url.host.lower(), url.port) if url.host and url.port else None
    except ValueError:
        return None
