"""Every answer that is no success carries JSON with `error`, whatever went wrong.

Around the whole application, not a middleware of it: aiohttp answers some requests before its
middlewares, an `Expect` that it does not know, for one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from bridge.http.base_url import require_host
from bridge.http.uapi.errors import UapiError, as_uapi_error, error_response

log = structlog.get_logger()

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def answering_errors(handler: Handler) -> Handler:
    async def answering(request: web.BaseRequest) -> web.StreamResponse:
        try:
            require_host(request)
            return await handler(request)
        except Exception as fault:
            error = as_uapi_error(fault)
            if error is None:
                log.exception("request failed", method=request.method, path=request.path)
                error = UapiError(500, "internal_server_error", "The service failed; see its log.")
            return error_response(error)

    return answering
