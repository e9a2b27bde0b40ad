"""Sending one event once, and what became of it. Nothing a receiver does gets further than this."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from weakref import WeakValueDictionary

import aiohttp
from aiohttp.resolver import DefaultResolver
from yarl import URL

from bridge.phone_call_events.delivery import Attempt, Delivery
from bridge.phone_call_events.receiver_connections import ReceiverConnections
from bridge.phone_call_events.request import EventTarget, event_request, event_target
from bridge.phone_call_events.retry_schedule import retry_after_s
from bridge.phone_call_events.subscription import Method, Subscription
from bridge.phone_call_events.target_address import PublicResolver, is_literal_inside

_ERROR_MAX_CHARS = 300


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
        self._per_host: WeakValueDictionary[URL, asyncio.Semaphore] = WeakValueDictionary()
        self._connections: ReceiverConnections | None = None

    async def __aenter__(self) -> EventSender:
        resolver = DefaultResolver()
        self._connections = ReceiverConnections(
            self._limits.connections,
            self._limits.timeout_s,
            resolver if self._limits.private_targets else PublicResolver(resolver),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._connections is not None:
            await self._connections.close()

    async def send(self, find: Callable[[], Subscription], delivery: Delivery) -> Attempt:
        """Send it; a failure of any kind is in the attempt. Waits for a free connection first.

        `find` gives the subscription as it is by then; what it raises is raised. Nothing is sent to
        one that has changed since.
        """
        while True:
            origin = _target_of(find()).origin
            # The host first, so that nobody holds a place while waiting for a slow one.
            async with self._turn_at(origin), self._in_all:
                subscription = find()
                target = _target_of(subscription)
                if target.origin != origin:
                    continue

                def check(subscription: Subscription = subscription) -> None:
                    if find() is not subscription:
                        raise _ChangedError

                with contextlib.suppress(_ChangedError):
                    return await self._attempt(target, subscription.secret, delivery, check)

    async def _attempt(
        self, target: EventTarget, secret: str, delivery: Delivery, check: Callable[[], None]
    ) -> Attempt:
        began_ns = time.time_ns()
        request = event_request(
            target, secret, delivery, delivery.attempts + 1, began_ns // 1_000_000_000
        )
        status, error, retry = await self._exchange(target, request.wire, check)
        return Attempt(
            at_ms=began_ns // 1_000_000,
            duration_ms=(time.time_ns() - began_ns) // 1_000_000,
            request=request.shown,
            http_status=status,
            error=error,
            retry_after_s=retry,
        )

    async def _exchange(
        self, target: EventTarget, request: bytes, check: Callable[[], None]
    ) -> tuple[int | None, str | None, float | None]:
        host = target.origin.raw_host or ""
        if not self._limits.private_targets and is_literal_inside(host):
            return None, f"{host} is no public address", None
        assert self._connections is not None  # noqa: S101 - used as a context manager
        try:
            answer = await self._connections.exchange(
                target.origin, request, check, again_if_closed=target.method is Method.GET
            )
        except TimeoutError:
            return None, f"no answer within {self._limits.timeout_s:g} s", None
        except aiohttp.ClientConnectorError as why:
            return None, f"not connected: {why.os_error}"[:_ERROR_MAX_CHARS], None
        except (aiohttp.ClientError, OSError, ValueError) as why:
            return None, f"{type(why).__name__}: {why}"[:_ERROR_MAX_CHARS], None
        if answer.status // 100 == 2:
            return answer.status, None, None
        wish = retry_after_s(answer.retry_after, datetime.now(UTC))
        return answer.status, f"the receiver answered {answer.status}", wish

    def _turn_at(self, origin: URL) -> asyncio.Semaphore:
        """Of that host; it lives as long as somebody holds or awaits it."""
        turn = self._per_host.get(origin)
        if turn is None:
            turn = self._per_host[origin] = asyncio.Semaphore(self._limits.connections_per_host)
        return turn


def _target_of(subscription: Subscription) -> EventTarget:
    return event_target(subscription.url, subscription.method)


class _ChangedError(Exception):
    """The subscription is another by now."""
