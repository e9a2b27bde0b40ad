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

APP = "app"
"""Of a request: the client id of the app that has been authenticated."""
_PATH_SHOWN, _WHY_SHOWN = 200, 300
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def log_refusal(
    request: web.BaseRequest, status: int, code: str, message: str, **more: str
) -> None:
    """One line for a request that was not granted: whose it was, what it was, and why not."""
    log.info(
        "request refused",
        method=request.method,
        # without the query, in which a token may be
        path=request.rel_url.raw_path[:_PATH_SHOWN],
        remote=request.remote,
        app=request.get(APP),
        status=status,
        code=code,
        why=message[:_WHY_SHOWN],
        **more,
    )


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
            else:
                log_refusal(request, error.status, error.code, error.message)
            return error_response(error)

    return answering
