"""Gives every error answer the form of its API.

Around the whole application, not a middleware of it: aiohttp answers some requests before its
middlewares, an `Expect` that it does not know, for one.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping

import structlog
from aiohttp import HttpVersion10, HttpVersion11, web
from yarl import URL

from bridge.calls.pbx import InvalidPbxValue
from bridge.http.base_url import require_host
from bridge.http.errors import UapiError, error_response
from bridge.http.streaming import break_off, has_begun, has_left
from bridge.http.uapi.errors import as_uapi_error

log = structlog.get_logger()

APP = web.RequestKey("app", str)
"""Of a request: the client id of the app that has been authenticated."""
_SLASHES = re.compile("//+")
_VERSIONS = (HttpVersion10, HttpVersion11)  # aiohttp answers HTTP/0.9 and HTTP/2.0, too
_PATH_SHOWN, _WHY_SHOWN = 200, 300
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
ErrorForm = Callable[[web.BaseRequest, UapiError], web.Response]
ERROR_FORMS = web.AppKey("error_forms", Mapping[str, ErrorForm])
"""By the beginning of a path: how that API says errors. All others say them as the UnifiedAPI."""


def log_refusal(
    request: web.BaseRequest, status: int, code: str, message: str, **more: str
) -> None:
    """One line for a request that was not granted: whose it was, what it was, and why not."""
    log.info(
        "request_refused",
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


def log_pbx_value(request: web.BaseRequest, fault: InvalidPbxValue) -> None:
    """The request named nothing wrong: a name on the PBX must not be written to it."""
    log.warning("pbx_value_invalid", method=request.method, path=request.path, why=str(fault))


def answering_errors(handler: Handler, forms: Mapping[str, ErrorForm]) -> Handler:
    """Wrap `handler`: each exception becomes an answer in the form of its path.

    Once an answer has begun, or its client has left, the connection is broken off. `forms`: the
    form of errors below each prefix of a path.
    """

    async def answering(request: web.BaseRequest) -> web.StreamResponse:
        if request.version not in _VERSIONS:
            log.info("not_http", remote=request.remote, why=f"version {request.version}")
            return break_off(request)
        try:
            request = without_empty_segments(request)
            require_host(request)
            _require_plain_body(request)
            return await handler(request)
        except Exception as fault:
            if has_begun(request):
                log.exception("request_failed", method=request.method, path=request.path)
                return break_off(request)
            if isinstance(fault, ConnectionError) and has_left(request):
                log.info("client_left", path=request.path, remote=request.remote)
                return break_off(request)
            return _in_its_form(request, _error_of(request, fault), forms)

    return answering


def without_empty_segments(request: web.BaseRequest) -> web.BaseRequest:
    """The same request; several slashes in its path are one, as web servers have it."""
    path = request.rel_url.raw_path
    if "//" not in path:
        return request
    target = _SLASHES.sub("/", path)
    if request.rel_url.raw_query_string:
        target += f"?{request.rel_url.raw_query_string}"
    url = URL(target, encoded=True)
    if request.remote is None:
        return request.clone(rel_url=url)
    # A proxy or another instance may have told them; a clone has those of its connection.
    return request.clone(rel_url=url, scheme=request.scheme, remote=request.remote)


def _error_of(request: web.BaseRequest, fault: Exception) -> UapiError:
    if isinstance(fault, InvalidPbxValue):
        log_pbx_value(request, fault)
    error = as_uapi_error(fault)
    if error is not None:
        log_refusal(request, error.status, error.code, error.message)
        return error
    log.error("request_failed", method=request.method, path=request.path, exc_info=fault)
    return UapiError(500, "internal_server_error", "The service failed; see its log.")


def _require_plain_body(request: web.BaseRequest) -> None:
    """Refuse a compressed body before it is read: a body must cost no more than its length.

    Raises 415 content_encoding_unsupported (RFC 9110 §15.5.16), and 501 for a transfer coding other
    than chunked (RFC 9112 §6.1). A proxy might unpack such a coding; the HTTP parser here does not.
    """
    coding = request.headers.get("Transfer-Encoding", "").strip().lower()
    if coding not in ("", "chunked"):
        raise UapiError(
            501, "request_not_implemented", "Transfer-Encoding must be chunked, or left out."
        )
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity") or len(request.headers.getall("Content-Encoding", ())) > 1:
        raise UapiError(
            415,
            "content_encoding_unsupported",
            "The body must not be compressed; leave Content-Encoding out.",
            {"Accept-Encoding": "identity"},
        )


def _in_its_form(
    request: web.BaseRequest, error: UapiError, forms: Mapping[str, ErrorForm]
) -> web.Response:
    form = next((form for start, form in forms.items() if request.path.startswith(start)), None)
    return error_response(error) if form is None else form(request, error)
