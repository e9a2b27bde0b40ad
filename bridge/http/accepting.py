"""Accepting connections, also where the machine has no more file descriptors for them."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Any

import structlog

from bridge.config.repeated_event import RepeatedEvent

log = structlog.get_logger()

_BACKLOG = 128  # connections that the kernel keeps until they are accepted
# asyncio accepts as many connections at a time as its backlog says. On a failure it schedules as
# many further tries, and each of them schedules as many again. One at a time stays one.
_ACCEPTED_AT_ONCE = 1


async def listen(
    protocol_factory: Callable[[], asyncio.Protocol], at: tuple[str, int] | socket.socket
) -> asyncio.Server:
    """As `loop.create_server`, at a host and port or on a socket that listens already.

    A failure to accept is one log line a minute. Raises OSError.
    """
    loop = asyncio.get_running_loop()
    _summarise_failures(loop)
    if isinstance(at, socket.socket):
        server = await loop.create_server(protocol_factory, sock=at, backlog=_ACCEPTED_AT_ONCE)
    else:
        server = await loop.create_server(protocol_factory, *at, backlog=_ACCEPTED_AT_ONCE)
    for same in same_sockets(server):
        with same:
            same.listen(_BACKLOG)
    return server


def same_sockets(server: asyncio.Server) -> list[socket.socket]:
    """Further descriptors of its sockets. They listen on after its end, until they are closed."""
    return [socket.socket(fileno=os.dup(x.fileno())) for x in server.sockets]


def _summarise_failures(loop: asyncio.AbstractEventLoop) -> None:
    last: list[BaseException] = []
    failures = RepeatedEvent(
        lambda times: log.error("http_accept_failed", times=times, why=str(last[-1]), retry_in_s=1)
    )
    before = loop.get_exception_handler()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        fault = context.get("exception")
        if isinstance(fault, OSError) and str(context.get("message", "")).startswith(
            "socket.accept()"
        ):
            last[:] = [fault]
            failures.happened()
        elif before is not None:
            before(loop, context)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)
