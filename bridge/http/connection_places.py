"""How many connections are open, in all and from each remote; who comes too many is sent away."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import cast

import structlog

from bridge.config.file_descriptors import ConnectionLimits
from bridge.config.repeated_event import RepeatedEvent
from bridge.http.errors import error_body
from bridge.http.remote_address import remote_of

log = structlog.get_logger()

_RETRY_AFTER_S = 5
_NO_ADDRESS = "instances"
_BODY = error_body("too_many_connections", "This service has as many connections as it may.")
_REFUSAL = (
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json; charset=utf-8\r\n"
    f"Content-Length: {len(_BODY)}\r\nRetry-After: {_RETRY_AFTER_S}\r\nConnection: close\r\n\r\n"
    f"{_BODY}"
).encode()


class ConnectionPlaces:
    """Counts open HTTP connections, in total and per address, and refuses those over the limits."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._open = 0
        self._open_from: Counter[str] = Counter()
        self._last_refused = ""
        self._refused = RepeatedEvent(self._tell)

    def take(self, transport: asyncio.BaseTransport) -> str | None:
        """The place of a new connection, to be left at its end.

        None: there is none, and the connection is answered 503 and closed.
        """
        remote = _remote_of(transport)
        if self._open >= self._limits.total or self._open_from[remote] >= self._limits.per_address:
            self._refuse(transport, remote)
            return None
        self._open += 1
        self._open_from[remote] += 1
        return remote

    def leave(self, place: str) -> None:
        """Give back a place that `take` returned, exactly once."""
        self._open -= 1
        self._open_from[place] -= 1
        if not self._open_from[place]:
            del self._open_from[place]

    def without_address(self, place: str) -> str:
        """Exchange the place for one that counts in total only."""
        if place == _NO_ADDRESS:
            return place
        self._open += 1
        self._open_from[_NO_ADDRESS] += 1
        self.leave(place)
        return _NO_ADDRESS

    def close(self) -> None:
        """Log the refusals that were counted and not logged yet."""
        self._refused.close()

    def _refuse(self, transport: asyncio.BaseTransport, remote: str) -> None:
        self._last_refused = remote
        self._refused.happened()
        # That of uvloop is of no class of asyncio.
        cast("asyncio.WriteTransport", transport).write(_REFUSAL)
        transport.close()

    def _tell(self, times: int) -> None:
        log.warning(
            "http_connections_refused",
            times=times,
            remote=self._last_refused,
            open=self._open,
            open_from_remote=self._open_from.get(self._last_refused, 0),
            limit=self._limits.total,
            limit_per_address=self._limits.per_address,
        )


def _remote_of(transport: asyncio.BaseTransport) -> str:
    peer = transport.get_extra_info("peername")
    return remote_of(peer[0] if isinstance(peer, tuple) else None)
