"""One HTTP request to a receiver, on a connection that is kept open for the next ones.

Client libraries do not fit: they refuse a whole answer for one odd header, and read interim answers
without end. Payloads, redirects, cookies and proxies take most of their time, and an event has
none. These rules hold:

* Every connection goes to an address that `resolver` gave for it, even if the host is an address
  already. The resolver is the wall between receivers and our own network (target_address.py).
* An answer counts from its status line. An unusual answer only costs its connection
  (receiver_answer.py).
* Interim answers are limited in number and bytes. Bytes after the final answer are not read.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import ssl
from collections.abc import Callable
from typing import cast

import aiohappyeyeballs
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bridge.phone_call_events.receiver_answer import AnswerReader, NoAnswer, ReceiverAnswer

_BODY_TIME_LIMIT_S = 1.0
_KEEPALIVE_S = 15.0
_CLOCK_STEP_S = 0.001  # a timer may go off so much before its moment
_NEXT_ADDRESS_AFTER_S = 0.25  # RFC 8305: tried beside the one before


class NotConnected(OSError):
    """The connection could not be made. `str()` says why."""


class ConnectionClosed(OSError):
    """The receiver closed the connection before it had answered."""


class ReceiverConnections:
    """At most `idle_max` are kept open while unused; `resolver` is asked for each new one.

    `timeout_s`: from connecting to the end of the head of an answer. `trust`: whose certificates
    count; None: the authorities that this machine trusts. Used and closed in the event loop in
    which it was made.
    """

    def __init__(
        self,
        idle_max: int,
        timeout_s: float,
        resolver: AbstractResolver,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._idle_max = idle_max
        self._timeout_s = timeout_s
        self._resolver = resolver
        self._trust = trust or ssl.create_default_context()
        # Since when, in the order of use: the first one has been idle longest.
        self._idle: dict[_Connection, float] = {}
        self._sweep: asyncio.TimerHandle | None = None

    async def close(self) -> None:
        """Abort the idle connections and close the resolver."""
        if self._sweep is not None:
            self._sweep.cancel()
        for connection in list(self._idle):
            self._forget(connection)
            connection.abort()
        await self._resolver.close()

    async def exchange(
        self, origin: URL, request: bytes, check: Callable[[], None], *, again_if_closed: bool
    ) -> ReceiverAnswer:
        """Send the bytes as they are; returns once the answer is over, or enough of it has come.

        `check` is called once there is a new connection, right before they are sent; what it raises
        is raised. `again_if_closed`: the receiver may have closed the connection just when it was
        used once more; try a new one then. Raises TimeoutError, NotConnected, NoAnswer, OSError.
        """
        deadline_s = self._loop.time() + self._timeout_s
        used = self._take(origin)
        try:
            if used is not None:
                return await self._exchange(used, request, deadline_s)
            return await self._exchange_anew(origin, request, check, deadline_s)
        except NotConnected:
            raise
        except OSError as why:
            if not again_if_closed or isinstance(why, TimeoutError):
                raise
            return await self._exchange_anew(origin, request, check, deadline_s)

    async def _exchange_anew(
        self, origin: URL, request: bytes, check: Callable[[], None], deadline_s: float
    ) -> ReceiverAnswer:
        connection = await self._connect(origin, deadline_s)
        try:
            check()
        except BaseException:
            connection.abort()
            raise
        return await self._exchange(connection, request, deadline_s)

    async def _exchange(
        self, connection: _Connection, request: bytes, deadline_s: float
    ) -> ReceiverAnswer:
        try:
            answer = await connection.ask(request, deadline_s, _BODY_TIME_LIMIT_S)
        except BaseException:
            connection.abort()
            raise
        if connection.reusable:
            self._keep(connection)
        else:
            connection.abort()
        return answer

    async def _connect(self, origin: URL, deadline_s: float) -> _Connection:
        try:
            async with asyncio.timeout_at(deadline_s):
                return await self._connected(origin)
        except TimeoutError:
            raise
        except OSError as why:
            raise NotConnected(str(why) or type(why).__name__) from why

    async def _connected(self, origin: URL) -> _Connection:
        host, port = origin.raw_host or "", origin.port or 0
        found = await self._resolver.resolve(host, port, socket.AF_UNSPEC)
        connected = await aiohappyeyeballs.start_connection(
            [
                (x["family"], socket.SOCK_STREAM, socket.IPPROTO_TCP, "", _socket_address(x))
                for x in found
            ],
            happy_eyeballs_delay=_NEXT_ADDRESS_AFTER_S,
            interleave=1,
        )
        secure = origin.scheme == "https"
        _, connection = await self._loop.create_connection(
            lambda: _Connection(origin, self._loop),
            sock=connected,
            ssl=self._trust if secure else None,
            server_hostname=host.rstrip(".") if secure else None,
        )
        return connection

    def _take(self, origin: URL) -> _Connection | None:
        """The idle connection that was used last: the others may be closed in peace."""
        for connection in reversed(self._idle):
            same = connection.origin is origin or connection.origin == origin
            if same and connection.is_open:
                self._forget(connection)
                return connection
        return None

    def _keep(self, connection: _Connection) -> None:
        while len(self._idle) >= self._idle_max:
            self._drop(next(iter(self._idle)))
        self._idle[connection] = self._loop.time()
        connection.when_lost = self._forget
        # One timer for all: one for each exchange would cost more than reading the answer.
        if self._sweep is None:
            self._sweep = self._loop.call_later(_KEEPALIVE_S, self._drop_old)

    def _drop_old(self) -> None:
        """All that have been idle too long; the next ones are looked at when their time comes."""
        self._sweep = None
        old_s = self._loop.time() - _KEEPALIVE_S + _CLOCK_STEP_S
        for connection, since_s in list(self._idle.items()):
            if since_s > old_s:
                self._sweep = self._loop.call_at(since_s + _KEEPALIVE_S, self._drop_old)
                break
            self._drop(connection)

    def _drop(self, connection: _Connection) -> None:
        self._forget(connection)
        connection.abort()

    def _forget(self, connection: _Connection) -> None:
        self._idle.pop(connection, None)


class _Connection(asyncio.Protocol):
    """To one receiver, for one request at a time. Bytes that nobody asked for end it."""

    def __init__(self, origin: URL, loop: asyncio.AbstractEventLoop) -> None:
        self.origin = origin
        self.when_lost: Callable[[_Connection], None] | None = None
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._reader: AnswerReader | None = None
        self._came: asyncio.Future[None] | None = None
        self._wants_all = False
        self._deadline_s = math.inf
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    @property
    def reusable(self) -> bool:
        return self.is_open and self._reader is None

    async def ask(
        self, request: bytes, deadline_s: float, body_time_limit_s: float
    ) -> ReceiverAnswer:
        """Send it and wait for the answer, of whose body only a short one is taken.

        Raises TimeoutError, ConnectionClosed, NoAnswer.
        """
        if not self.is_open or self._transport is None:
            raise ConnectionClosed("closed by the receiver")
        reader = self._reader = AnswerReader()
        self._transport.write(request)
        await self._until(deadline_s, wants_all=False)
        if not reader.over:
            limit_s = self._loop.time() + body_time_limit_s
            with contextlib.suppress(OSError, NoAnswer):  # the status has said what counts
                await self._until(limit_s, wants_all=True)
        if reader.over and reader.reusable:
            self._reader = None
        assert reader.answer is not None  # noqa: S101 - waited for
        return reader.answer

    async def _until(self, deadline_s: float, *, wants_all: bool) -> None:
        """Until the head of the answer has come, or all of it."""
        self._came = self._loop.create_future()
        self._wants_all = wants_all
        self._limit(deadline_s)
        try:
            await self._came
        finally:
            self._deadline_s = math.inf
            self._came = None

    def _limit(self, deadline_s: float) -> None:
        """The timer of an earlier exchange serves, if it goes off before: it looks again then.

        This is done for each event, and a timer costs as much as reading an answer.
        """
        self._deadline_s = deadline_s
        if self._timer is not None and self._timer.when() > deadline_s:
            self._stop_timer()
        if self._timer is None:
            self._timer = self._loop.call_at(deadline_s, self._look_at_deadline)

    def _look_at_deadline(self) -> None:
        self._timer = None
        if self._loop.time() + _CLOCK_STEP_S >= self._deadline_s:
            self._fail(TimeoutError())
        elif self._deadline_s != math.inf:
            self._timer = self._loop.call_at(self._deadline_s, self._look_at_deadline)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # That of uvloop is of no class of asyncio.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._reader is None:
            self.abort()
            return
        if self._came is None or self._reader.over:  # given up, or more than was asked for
            self.abort()
            return
        try:
            self._reader.feed(data)
        except NoAnswer as why:
            self._fail(why)
            self.abort()
            return
        enough = self._reader.over or (self._reader.answer is not None and not self._wants_all)
        if enough and not self._came.done():
            self._came.set_result(None)
        if self._reader.over and not self._reader.reusable:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._stop_timer()
        self._fail(
            ConnectionClosed(str(exc) if exc else "closed by the receiver, without an answer")
        )
        if self.when_lost is not None:
            self.when_lost(self)

    def _fail(self, why: Exception) -> None:
        if self._came is not None and not self._came.done():
            self._came.set_exception(why)


def _socket_address(found: ResolveResult) -> tuple[str, int] | tuple[str, int, int, int]:
    if found["family"] == socket.AF_INET6:
        return found["host"], found["port"], 0, 0
    return found["host"], found["port"]
