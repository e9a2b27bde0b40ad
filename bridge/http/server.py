"""The HTTP server: aiohttp's server, with JSON answers also for requests that are not valid HTTP.

A request that is not valid HTTP (a line or header too long, a bad request line) never reaches a
middleware. aiohttp answers it with plain text and logs a traceback. Our clients parse every answer
as JSON (docs/reference/uapi.md §6), and a bad request is worth one line in the log.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from bridge.http.accepting import listen, same_sockets
from bridge.http.base_url import authority
from bridge.http.compression import with_compression
from bridge.http.connection_places import ConnectionPlaces
from bridge.http.cross_origin import with_cross_origin
from bridge.http.error_answers import ERROR_FORMS, Handler, answering_errors
from bridge.http.errors import UNREADABLE_BODY, UapiError, error_response
from bridge.http.http_settings import ServerSettings
from bridge.http.rate_limits import with_retry_after
from bridge.http.request_ids import REQUEST_ID, new_request_id, with_request_id
from bridge.http.request_metrics import with_request_metrics
from bridge.http.request_traces import with_traces
from bridge.http.trusted_proxies import with_client_address
from bridge.metrics.declared import Metrics
from bridge.supervision.tasks import carried_through
from bridge.tracing.traces import Traces

log = structlog.get_logger()

EVERY_ADDRESS, EVERY_IPV4_ADDRESS = "::", "0.0.0.0"

# aiohttp's messages begin with words and go on, after a colon or a quote, with what was received.
_PLAIN_WORDS = re.compile(r"[A-Za-z0-9 ]{1,80}")


@dataclass(frozen=True, slots=True)
class Around:
    """Wraps the handling of all requests. One of several instances takes those of the others so."""

    wrap: Callable[[Handler], Handler]


AROUND = web.AppKey("around", Around)

# How long the rest of a body is taken and dropped after its request has been refused.
_LINGERING_S = 1.0


class CannotListen(Exception):
    """`str()` says where, why, and which setting helps."""


class _JsonErrorHandler(web.RequestHandler):
    __slots__ = ("_place", "_places")

    def __init__(self, server: web.Server, *, places: ConnectionPlaces, **more: Any) -> None:
        super().__init__(server, **more)
        self._places = places
        self._place: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._place = self._places.take(transport)
        if self._place is not None:
            super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._place is not None:
            self._places.leave(self._place)
            super().connection_lost(exc)

    def is_of_instance(self) -> None:
        """Another instance uses the connection: the limit of one address is for clients."""
        if self._place is not None:
            self._place = self._places.without_address(self._place)

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
        """The client caused an unreadable rest of a body, and has its answer already."""
        if isinstance(fault := kw.get("exc_info"), UNREADABLE_BODY):
            log.info("not_http", why=_why(fault))
        else:
            super().log_exception(*args, **kw)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        request_id = new_request_id()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        if status >= 500:
            log.error("request_failed", path=request.path, exc_info=exc)
            error = UapiError(500, "internal_server_error", "The service failed; see its log.")
        else:
            log.info("not_http", remote=request.remote, status=status, why=_why(exc))
            error = UapiError(status, "request_invalid", _not_http(exc))
        response = error_response(error)
        response.headers[REQUEST_ID] = request_id
        response.force_close()
        return response


def _not_http(fault: BaseException | None) -> str:
    if isinstance(fault, LineTooLong):
        return f"The request line or a header is longer than {fault.args[1]} bytes."
    return "This is not a valid HTTP request."


def _why(fault: BaseException | None) -> str:
    """The fault of the request, without quoting the request: it may contain a token."""
    name = type(fault).__name__
    said = _PLAIN_WORDS.match(getattr(fault, "message", "").strip())
    return f"{name}: {said.group().strip()}" if said else name


class _Runner(web.AppRunner):
    """Ends what `listening` accepts on, before it waits for the requests in flight."""

    listening: tuple[asyncio.Server, ...] = ()
    places: ConnectionPlaces | None = None

    async def cleanup(self) -> None:
        for listening in self.listening:
            listening.close()
        await super().cleanup()
        if self.places is not None:
            self.places.close()


async def start_http(
    app: web.Application,
    settings: ServerSettings,
    metrics: Metrics | None = None,
    traces: Traces | None = None,
    kept: Sequence[socket.socket] = (),
) -> web.AppRunner:
    """Listen; returns the runner, to be cleaned up. Raises CannotListen.

    `metrics` counts the requests, `traces` has a span for each. `kept`: those of `stop_accepting`;
    it listens on them, and not at the hosts and port of the settings.
    """
    runner = _Runner(app, handle_signals=False, shutdown_timeout=settings.shutdown_timeout_s)
    await runner.setup()
    server = runner.server
    assert server is not None  # noqa: S101 - after setup() there is one
    server.request_handler = _surrounded(server.request_handler, app, settings, metrics, traces)
    # aiohttp's sites have no parameter for the protocol class; the event loop's own server has.
    loop = asyncio.get_running_loop()
    runner.places = ConnectionPlaces(settings.connections)
    connection = partial(
        _JsonErrorHandler,
        server,
        places=runner.places,
        loop=loop,
        access_log=None,
        keepalive_timeout=settings.idle_timeout_s,  # also for a request that does not come
        max_line_size=settings.request_line_max_bytes,
        max_field_size=settings.header_max_bytes,
        auto_decompress=False,  # and answering_errors refuses what is compressed
        lingering_time=_LINGERING_S,
    )
    for same in kept:
        runner.listening += (await listen(connection, same),)
    for host in () if kept else _listening_on(settings.hosts):
        try:
            runner.listening += (await listen(connection, (host, settings.port)),)
        except (OSError, UnicodeError) as why:  # the latter for an invalid host name
            await runner.cleanup()
            raise _cannot_listen(host, settings.port, why) from None
    return runner


def _surrounded(
    handler: Handler,
    app: web.Application,
    settings: ServerSettings,
    metrics: Metrics | None,
    traces: Traces | None,
) -> Handler:
    """Errors get their form first, so that all else holds for them as for every answer."""
    handler = with_retry_after(answering_errors(handler, app.get(ERROR_FORMS, {})))
    handler = with_cross_origin(handler, settings.cross_origins)
    handler = with_request_id(with_compression(handler))
    handler = handler if traces is None else with_traces(handler, traces)
    handler = handler if metrics is None else with_request_metrics(handler, metrics)
    around = app.get(AROUND)
    handler = handler if around is None else around.wrap(handler)
    return with_client_address(handler, settings.trusted_proxies)


def _listening_on(hosts: tuple[str, ...]) -> tuple[str, ...]:
    """asyncio makes sockets of IPv6 take no IPv4, so "every address" is two of them."""
    if EVERY_ADDRESS in hosts and EVERY_IPV4_ADDRESS not in hosts:
        return (*hosts, EVERY_IPV4_ADDRESS)
    return hosts


def _cannot_listen(host: str, port: int, why: OSError | UnicodeError) -> CannotListen:
    where = f"cannot listen on {authority(host, port)}"
    if isinstance(why, OSError) and why.errno in (errno.EADDRINUSE, errno.EACCES):
        return CannotListen(
            f"{where} ({os.strerror(why.errno)}); choose another port with BRIDGE_HTTP_PORT"
        )
    return CannotListen(f"{where}; BRIDGE_HTTP_HOST must be an address of this machine ({why})")


async def stop_accepting(runner: web.AppRunner) -> list[socket.socket]:
    """As `close_http`, but new connections wait for the next server on these sockets."""
    assert isinstance(runner, _Runner)  # noqa: S101 - of `start_http`
    kept = [same for server in runner.listening for same in same_sockets(server)]
    try:
        await close_http(runner)
    except BaseException:  # as at a stop meanwhile
        for same in kept:
            same.close()
        raise
    return kept


async def close_http(runner: web.AppRunner) -> None:
    """Stop accepting, finish what is in flight within the limit set at the start."""
    await carried_through(runner.cleanup(), "http_stop")
