"""The HTTP server: aiohttp's, with JSON also for requests that are no valid HTTP.

What breaks HTTP itself (a line or header too long, a bad request line) never reaches a middleware;
aiohttp answers it with plain text and logs a traceback. Our clients parse every answer as JSON
(uapi.md §6), and a bad request is worth one line in the log.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web_protocol import RequestHandler

from bridge.http.error_answers import answering_errors
from bridge.http.uapi.errors import UNREADABLE_BODY, UapiError, error_response
from bridge.settings import Settings

log = structlog.get_logger()

# aiohttp's messages begin with words and go on, after a colon or a quote, with what was received.
_PLAIN_WORDS = re.compile(r"[A-Za-z0-9 ]{1,80}")


class CannotListen(Exception):
    """`str()` says where, why, and which setting helps."""


class _JsonErrorHandler(RequestHandler):
    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        """Also when the server stops: the rest of a request that has begun is still taken.

        aiohttp drops it, and the request then gets no answer and holds the stop up for nothing.
        """
        if not self._request_in_progress:
            super().data_received(data)
            return
        closing = self._close, self._force_close
        self._close = self._force_close = False
        try:
            super().data_received(data)
        finally:
            self._close, self._force_close = closing

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """The rest of a body that could not be read is no fault of ours, and has been answered."""
        if isinstance(fault := kw.get("exc_info"), UNREADABLE_BODY):
            log.info("not HTTP", why=_why(fault))
        else:
            super().log_exception(*args, **kw)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status >= 500:
            log.error("request failed", path=request.path, exc_info=exc)
            error = UapiError(500, "internal_server_error", "The service failed; see its log.")
        else:
            log.info("not HTTP", remote=request.remote, status=status, why=_why(exc))
            error = UapiError(status, "request_invalid", _not_http(exc))
        response = error_response(error)
        response.force_close()
        return response


def _not_http(fault: BaseException | None) -> str:
    if isinstance(fault, LineTooLong):
        return f"The request line or a header is longer than {fault.args[1]} bytes."
    return "This is not a valid HTTP request."


def _why(fault: BaseException | None) -> str:
    """What is wrong with the request, without any of it: a token may be in it."""
    name = type(fault).__name__
    said = _PLAIN_WORDS.match(getattr(fault, "message", "").strip())
    return f"{name}: {said.group().strip()}" if said else name


class _JsonErrorServer(web.Server):
    def __call__(self) -> RequestHandler:
        return _JsonErrorHandler(self, loop=self._loop, **self._kwargs)


class _Runner(web.AppRunner):
    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        # aiohttp has no parameter for the protocol class of an application's server.
        server.__class__ = _JsonErrorServer
        server.request_handler = answering_errors(server.request_handler)
        return server


async def start_http(app: web.Application, settings: Settings) -> web.AppRunner:
    """Listen; returns the runner, to be cleaned up. Raises CannotListen."""
    runner = _Runner(
        app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=settings.shutdown_timeout_s,
        keepalive_timeout=settings.http_idle_timeout_s,  # also for a request that does not come
        max_line_size=settings.uri_max_bytes,
        max_field_size=settings.header_max_bytes,
    )
    await runner.setup()
    site = web.TCPSite(runner, settings.http_host, settings.http_port)
    try:
        await site.start()
    except (OSError, UnicodeError) as why:  # the latter for what is no host name at all
        await runner.cleanup()
        raise _cannot_listen(settings, why) from None
    return runner


def _cannot_listen(settings: Settings, why: OSError | UnicodeError) -> CannotListen:
    where = f"cannot listen on {settings.http_host}:{settings.http_port}"
    if isinstance(why, OSError) and why.errno in (errno.EADDRINUSE, errno.EACCES):
        return CannotListen(
            f"{where} ({os.strerror(why.errno)}); choose another port with BRIDGE_HTTP_PORT"
        )
    return CannotListen(f"{where}; BRIDGE_HTTP_HOST must be an address of this machine ({why})")


async def close_http(runner: web.AppRunner) -> None:
    """Stop accepting, finish what is in flight within the limit set at the start."""
    await asyncio.shield(runner.cleanup())
