"""Sending one event once, and what became of it. Every fault of a receiver ends here."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from weakref import WeakValueDictionary

from aiohttp.resolver import DefaultResolver

from bridge.clock import now_ms
from bridge.faults import reason
from bridge.phone_call_events.delivery import Attempt, Delivery
from bridge.phone_call_events.receiver_answer import NoAnswer
from bridge.phone_call_events.receiver_connections import (
    ConnectionClosed,
    NotConnected,
    ReceiverConnections,
)
from bridge.phone_call_events.retry_delay import retry_after_s
from bridge.phone_call_events.signed_request import EventTarget, event_request, event_target
from bridge.phone_call_events.subscription import Method, Subscription
from bridge.phone_call_events.target_address import PublicResolver, TargetRules, refusal

_ERROR_MAX_CHARS = 300
_TURNS_KEPT = 1_000
_Turns = tuple[asyncio.Semaphore, ...]


@dataclass(frozen=True, slots=True)
class SendLimits:
    """`timeout_s`: from connecting to the status line and headers of the answer.

    `ca_file`: PEM certificates of further authorities, beside those that this machine trusts.
    """

    timeout_s: float
    connections: int
    connections_per_organization: int
    connections_per_host: int
    targets: TargetRules
    ca_file: Path | None = None


class EventSender:
    """`async with EventSender(limits) as sender`. `tried` is told how each attempt went.

    `traceparent` gives the trace of a call for its receiver, empty: none.
    """

    def __init__(
        self,
        limits: SendLimits,
        tried: Callable[[Delivery, Attempt], None] = lambda *_: None,
        traceparent: Callable[[str], str] = lambda _: "",
    ) -> None:
        self._limits = limits
        self._tried = tried
        self._traceparent = traceparent
        self._in_all = asyncio.Semaphore(limits.connections)
        # A semaphore lives as long as somebody holds or awaits it, and for a while after its use.
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Semaphore] = WeakValueDictionary()
        self._used: dict[tuple[str, str], _Turns] = {}
        self._connections: ReceiverConnections | None = None

    async def __aenter__(self) -> EventSender:
        resolver = DefaultResolver()
        self._connections = ReceiverConnections(
            self._limits.connections,
            self._limits.timeout_s,
            resolver if self._limits.targets.private else PublicResolver(resolver),
            _trust(self._limits.ca_file),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._connections is not None:
            await self._connections.close()

    async def send(self, find: Callable[[], Subscription], delivery: Delivery) -> Attempt:
        """Send it; a failure of any kind is in the attempt. Waits for a free connection first.

        `find` gives the subscription at that moment; what it raises is raised. A subscription that
        has changed since gets nothing.
        """
        while True:
            subscription = find()
            target = _target_of(subscription)
            turns = self._turns_of(subscription.organization, target.host)
            waited = await _take(turns)
            try:
                known = find() if waited else subscription
                attempt = await self._attempt(find, known, target, delivery)
            finally:
                for turn in turns:
                    turn.release()
            if attempt is not None:
                self._tried(delivery, attempt)
                return attempt

    async def _attempt(
        self,
        find: Callable[[], Subscription],
        subscription: Subscription,
        known: EventTarget,
        delivery: Delivery,
    ) -> Attempt | None:
        """None where nothing was sent: the subscription is another by now, or has another host."""
        target = _target_of(subscription)
        if target.origin is not known.origin and target.origin != known.origin:
            return None
        secrets = subscription.signing_secrets(now_ms())

        def check() -> None:
            if find() is not subscription:
                raise _ChangedError

        began_ns = time.time_ns()
        request = event_request(
            target,
            secrets,
            delivery,
            delivery.attempts + 1,
            began_ns // 1_000_000_000,
            traceparent=self._traceparent(delivery.call_id),
        )
        try:
            status, error, retry = await self._exchange(target, request.wire, check)
        except _ChangedError:
            return None
        return Attempt(
            at_ms=began_ns // 1_000_000,
            duration_ms=(time.time_ns() - began_ns) // 1_000_000,
            request=request.shown,
            http_status=status,
            error=error,
            retry_after_s=retry,
            host=target.origin.raw_host or "",
        )

    async def _exchange(
        self, target: EventTarget, request: bytes, check: Callable[[], None]
    ) -> tuple[int | None, str | None, float | None]:
        host, port = target.origin.raw_host or "", target.origin.port or 0
        if why_not := refusal(host, port, self._limits.targets):
            return None, f"not sent to {host}: {why_not}"[:_ERROR_MAX_CHARS], None
        assert self._connections is not None  # noqa: S101 - used as a context manager
        try:
            answer = await self._connections.exchange(
                target.origin, request, check, again_if_closed=target.method is Method.GET
            )
        except TimeoutError:
            return None, f"no answer within {self._limits.timeout_s:g} s", None
        except NotConnected as why:
            return None, f"not connected to {host}: {reason(why)}"[:_ERROR_MAX_CHARS], None
        except (NoAnswer, ConnectionClosed) as why:
            return None, str(why)[:_ERROR_MAX_CHARS], None
        except (OSError, ValueError) as why:
            return None, f"{host}: {type(why).__name__}: {reason(why)}"[:_ERROR_MAX_CHARS], None
        if answer.status // 100 == 2:
            return answer.status, None, None
        wish = retry_after_s(answer.retry_after, datetime.now(UTC))
        return answer.status, f"the receiver answered {answer.status}", wish

    def _turns_of(self, organization: str, host: str) -> _Turns:
        """At that host, whatever the port; then of the organization, and of all. A host that serves
        several organizations is one to each of them, so that none can take it from the others.

        The host first, so that nobody holds a place while waiting for a slow one.
        """
        turns = self._used.get((organization, host))
        if turns is None:
            if len(self._used) >= _TURNS_KEPT:
                self._used.clear()
            turns = self._used[organization, host] = (
                self._turn((organization, host), self._limits.connections_per_host),
                self._turn((organization, ""), self._limits.connections_per_organization),
                self._in_all,
            )
        return turns

    def _turn(self, whose: tuple[str, str], most: int) -> asyncio.Semaphore:
        turn = self._turns.get(whose)
        if turn is None:
            turn = self._turns[whose] = asyncio.Semaphore(most)
        return turn


async def _take(turns: _Turns) -> bool:
    """Whether it had to wait. `async with` would cost twice as much, for each event."""
    waited = any(x.locked() for x in turns)
    taken: list[asyncio.Semaphore] = []
    try:
        for turn in turns:
            await turn.acquire()
            taken.append(turn)
    except BaseException:
        for turn in taken:
            turn.release()
        raise
    return waited


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    """Raises OSError for a file that cannot be read."""
    context = ssl.create_default_context()  # reads SSL_CERT_FILE too
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


def _target_of(subscription: Subscription) -> EventTarget:
    return event_target(subscription.url, subscription.method, subscription.format)


class _ChangedError(Exception):
    """The subscription is another by now."""
