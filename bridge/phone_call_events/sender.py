"""Sending one event once, and what became of it. Nothing a receiver does gets further than this."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
from aiohttp.resolver import DefaultResolver
from yarl import URL

from bridge.phone_call_events.delivery import Attempt, Delivery
from bridge.phone_call_events.request import EventRequest, event_request
from bridge.phone_call_events.retry_schedule import retry_after_s
from bridge.phone_call_events.subscription import Subscription
from bridge.phone_call_events.target_address import PublicResolver, is_literal, is_public

# Read so that the connection can be used again; of a longer answer nothing more is wanted.
_ANSWER_MAX_BYTES = 4096
_ANSWER_TIME_LIMIT_S = 1.0
_KEEPALIVE_S = 15.0
_ERROR_MAX_CHARS = 300
_USER_AGENT = "uapi-bridge"


@dataclass(frozen=True, slots=True)
class SendLimits:
    """`timeout_s`: from connecting to the status line and headers of the answer."""

    timeout_s: float
    connections: int
    connections_per_host: int
    private_targets: bool


class EventSender:
    """`async with EventSender(limits) as sender`."""

    def __init__(self, limits: SendLimits) -> None:
        self._limits = limits
        self._in_all = asyncio.Semaphore(limits.connections)
        self._per_host: dict[str, tuple[asyncio.Semaphore, int]] = {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> EventSender:
        resolver = DefaultResolver()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._limits.connections,
                resolver=resolver if self._limits.private_targets else PublicResolver(resolver),
                use_dns_cache=False,
                keepalive_timeout=_KEEPALIVE_S,
            ),
            timeout=aiohttp.ClientTimeout(total=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"},
            auto_decompress=False,
            trust_env=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, subscription: Subscription, delivery: Delivery) -> Attempt:
        """Send it; a failure of any kind is in the attempt. Waits for a free connection first."""
        origin = str(URL(subscription.url, encoded=True).origin())
        async with self._turn(origin):
            began_ns = time.time_ns()
            request = event_request(
                subscription, delivery, delivery.attempts + 1, began_ns // 1_000_000_000
            )
            status, error, retry = await self._exchange(request)
            return Attempt(
                at_ms=began_ns // 1_000_000,
                duration_ms=(time.time_ns() - began_ns) // 1_000_000,
                request=request.shown,
                http_status=status,
                error=error,
                retry_after_s=retry,
            )

    async def _exchange(self, request: EventRequest) -> tuple[int | None, str | None, float | None]:
        host = request.url.raw_host or ""
        if not self._limits.private_targets and is_literal(host) and not is_public(host):
            return None, f"{host} is no public address", None
        assert self._session is not None  # noqa: S101 - used as a context manager
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                response = await self._session.request(
                    request.method,
                    request.url,
                    data=request.body or None,
                    headers=request.headers,
                    allow_redirects=False,
                )
        except TimeoutError:
            return None, f"no answer within {self._limits.timeout_s:g} s", None
        except aiohttp.ClientConnectorError as why:
            return None, f"not connected: {why.os_error}"[:_ERROR_MAX_CHARS], None
        except (aiohttp.ClientError, OSError, ValueError) as why:
            return None, f"{type(why).__name__}: {why}"[:_ERROR_MAX_CHARS], None
        try:
            await _finish(response)
        finally:
            response.close()
        if response.status // 100 == 2:
            return response.status, None, None
        wish = retry_after_s(response.headers.get("Retry-After"), datetime.now(UTC))
        return response.status, f"the receiver answered {response.status}", wish

    @asynccontextmanager
    async def _turn(self, origin: str) -> AsyncIterator[None]:
        """Waits for the host first, so that nobody holds a place while waiting for a slow one."""
        semaphore, users = self._per_host.get(
            origin, (asyncio.Semaphore(self._limits.connections_per_host), 0)
        )
        self._per_host[origin] = semaphore, users + 1
        try:
            async with semaphore, self._in_all:
                yield
        finally:
            users = self._per_host[origin][1] - 1
            if users:
                self._per_host[origin] = semaphore, users
            else:
                del self._per_host[origin]


async def _finish(response: aiohttp.ClientResponse) -> None:
    """Take the end of a short answer; of any other the connection is closed, not read on."""
    try:
        async with asyncio.timeout(_ANSWER_TIME_LIMIT_S):
            left = _ANSWER_MAX_BYTES
            while left > 0:
                chunk = await response.content.read(left)
                if not chunk:
                    response.release()
                    return
                left -= len(chunk)
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass  # the status has said what counts
