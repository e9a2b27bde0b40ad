"""One HTTP request to a receiver, on a connection that is kept open for the next ones.

This uses the connections and the parser of aiohttp, but not its ClientSession: redirects, cookies,
proxies, compression and payloads of any kind, none of which an event has, take it two thirds of
the time of a request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.http import HttpProcessingError
from aiohttp.streams import StreamReader
from yarl import URL

# Read so that the connection can be used again; of a longer answer nothing more is wanted.
_ANSWER_MAX_BYTES = 4096
_ANSWER_TIME_LIMIT_S = 1.0
_KEEPALIVE_S = 15.0
_ORIGINS_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class Answer:
    """`retry_after`: that header, if there is one."""

    status: int
    retry_after: str | None


class ReceiverConnections:
    """At most `limit` in all; names are asked of `resolver` for every new connection.

    `timeout_s`: from connecting to the status line and headers of an answer. Used and closed in the
    event loop in which it was made.
    """

    def __init__(self, limit: int, timeout_s: float, resolver: AbstractResolver) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout_s = timeout_s
        # not to be rounded up, so the threshold for that is not passed
        self._connecting = aiohttp.ClientTimeout(connect=timeout_s, ceil_threshold=timeout_s)
        self._connector = aiohttp.TCPConnector(
            limit=limit,
            resolver=resolver,
            use_dns_cache=False,
            keepalive_timeout=_KEEPALIVE_S,
        )
        self._where = lru_cache(_ORIGINS_KEPT)(_where)

    async def close(self) -> None:
        await self._connector.close()

    async def exchange(
        self, origin: URL, request: bytes, check: Callable[[], None], *, again_if_closed: bool
    ) -> Answer:
        """Send the bytes as they are; returns once the answer is over, or enough of it has come.

        `check` is called once there is a connection, right before they are sent; what it raises is
        raised. `again_if_closed`: the receiver may have closed the connection just when it was used
        once more; try another one then. Raises TimeoutError, aiohttp.ClientError, OSError,
        ValueError.
        """
        deadline_s = self._loop.time() + self._timeout_s
        try:
            connection, answer, rest = await self._send(origin, request, check, deadline_s)
        except (aiohttp.ClientConnectorError, TimeoutError):
            raise
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
            if not again_if_closed:
                raise
            async with asyncio.timeout_at(deadline_s):
                connection, answer, rest = await self._send(origin, request, check, deadline_s)
        try:
            if rest.at_eof() or await _ends_soon(rest):
                connection.release()
        finally:
            connection.close()  # unless it has been released
        return answer

    async def _send(
        self, origin: URL, request: bytes, check: Callable[[], None], deadline_s: float
    ) -> tuple[aiohttp.connector.Connection, Answer, StreamReader]:
        """The last of these is the body of the answer, as far as it has come."""
        connection = await self._connector.connect(self._where(origin), [], self._connecting)
        protocol = connection.protocol
        assert protocol is not None  # noqa: S101 - it is ours until it is released
        # A bare timer costs a fifth of asyncio.timeout, and this is done for each event.
        timer = self._loop.call_at(deadline_s, protocol.set_exception, TimeoutError())
        try:
            check()
            protocol.set_response_params(read_until_eof=True, auto_decompress=False)
            assert protocol.transport is not None  # noqa: S101
            protocol.transport.write(request)
            while True:
                head, body = await protocol.read()
                if not 100 <= head.code < 200 or head.code == 101:
                    break
        except HttpProcessingError as why:
            connection.close()
            raise aiohttp.ClientPayloadError(f"{why.code}, {why.message}") from why
        except BaseException:
            connection.close()
            raise
        finally:
            timer.cancel()
        return connection, Answer(head.code, head.headers.get("Retry-After")), body


def _where(origin: URL) -> aiohttp.ClientRequest:
    """What the connector has to know of a request."""
    return aiohttp.ClientRequest("GET", origin, loop=asyncio.get_running_loop())


async def _ends_soon(body: StreamReader) -> bool:
    """Take the rest of a short answer; False for any other, which is not read on."""
    try:
        async with asyncio.timeout(_ANSWER_TIME_LIMIT_S):
            left = _ANSWER_MAX_BYTES
            while left > 0:
                chunk = await body.read(left)
                if not chunk:
                    return True
                left -= len(chunk)
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass  # the status has said what counts
    return False
