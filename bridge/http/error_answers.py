"""Every answer that is no success carries JSON with `error`, whatever went wrong."""

from __future__ import annotations

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.http.uapi.errors import UapiError, as_uapi_error, error_response

log = structlog.get_logger()


@web.middleware
async def error_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Exception as fault:
        error = as_uapi_error(fault)
        if error is None:
            log.exception("request failed", method=request.method, path=request.path)
            error = UapiError(500, "internal_server_error", "The service failed; see its log.")
        return error_response(error)
