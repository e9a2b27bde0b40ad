"""One AMI connection around panoramisk: from connect to loss, never again.

The overrides prevent these habits of panoramisk: it reconnects, repeats unanswered actions,
swallows events and write errors, and leaves futures unresolved. All of that is switched off here;
what remains of it is the connection. A new connection is a new object.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from panoramisk import Manager
from panoramisk.ami_protocol import AMIProtocol

from bridge.calls.pbx import PbxNotHeld, PbxOutcomeUnknown, PbxUnavailable
from bridge.pbx.ami.message import Headers, MessageBuffer, MessageTooLong, NotAnAmiServer
from bridge.pbx.ami.sent_action import SentAction, succeeded, why_refused
from bridge.pbx.ami.values import AmiAction
from bridge.pbx.pbx_settings import AmiSettings
from bridge.pbx.tls import ssl_context

log = structlog.get_logger()

# panoramisk writes whole actions into its log, the login among them.
_silent = logging.getLogger("bridge.pbx.panoramisk")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


class LoginRefused(Exception):
    """The PBX does not accept this user or secret. `str()` is its message."""


class AmiConnection:
    """One logged-in connection.

    `on_event` receives every event in order, `on_lost` the reason, once. `on_read` is called before
    the events of each read. None of them may raise.
    """

    def __init__(
        self,
        settings: AmiSettings,
        on_event: Callable[[Headers], None],
        on_lost: Callable[[str], None],
        events: str = "on",
        on_read: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings = settings
        self._events = events
        self._on_event = on_event
        self._on_lost = on_lost
        self.on_read = on_read
        self._ids = 0
        self._id_prefix = secrets.token_hex(4)
        self._manager = _SingleUseManager(self)
        self._protocol: _Protocol | None = None
        loop = asyncio.get_running_loop()
        self.booted_or_lost: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()
        self.bytes_received = 0

    async def open(self) -> None:
        """Connect and log in. Raises OSError, TimeoutError, LoginRefused, PbxUnavailable."""
        async with asyncio.timeout(self.settings.connect_timeout_s):
            self._protocol = await self._manager.open()
        if self.lost.done():  # somebody has given it up meanwhile
            self._protocol.drop(self.lost.result())
        login = AmiAction(
            "Login",
            (
                ("Username", self.settings.username),
                ("Secret", self.settings.secret),
                ("Events", self._events),
            ),
        )
        try:
            answer = await self.send(login, self.settings.login_timeout_s)
        except PbxOutcomeUnknown as error:
            raise PbxUnavailable(f"no answer to the login: {error}") from None
        if not succeeded(answer):
            raise LoginRefused(why_refused(answer))

    async def send(self, action: AmiAction, timeout_s: float) -> Headers:
        """Write the action once; its answer, once the list it announced, if any, is complete.

        Raises as `begin` and its answer do.
        """
        return await self.begin(action, timeout_s)

    def begin(self, action: AmiAction, timeout_s: float) -> Coroutine[Any, Any, Headers]:
        """Write the action once, now; returns its answer to come, which must be awaited.

        Raises PbxUnavailable if nothing was written, and PbxNotHeld if it was not allowed any more.
        The answer raises PbxOutcomeUnknown if it did not come in time, or the connection was lost.
        """
        if self._protocol is None or self.lost.done():
            raise PbxUnavailable("the link to the PBX is down")
        if action.allowed is not None and not action.allowed():
            raise PbxNotHeld
        self._ids += 1
        action_id = action.action_id or f"{self._id_prefix}-{self._ids}"
        sent = SentAction(action, action_id)
        self._protocol.write(sent, action.wire(action_id))
        # Not wait_for: that throws an answer away that comes in the moment of the time limit.
        limit = asyncio.get_running_loop().call_later(timeout_s, sent.give_up, timeout_s)
        return self._answer(sent, limit, self._protocol)

    async def _answer(
        self, sent: SentAction, limit: asyncio.TimerHandle, protocol: _Protocol
    ) -> Headers:
        try:
            return await sent.answer
        finally:
            limit.cancel()
            protocol.forget(sent.action_id)

    def lose(self, why: str) -> None:
        """Drop the connection now. All that waits for an answer fails at once."""
        if self.lost.done():
            return
        self.lost.set_result(why)
        self._release_booted_or_lost()
        if self._protocol is not None:
            self._protocol.drop(why)
        self._on_lost(why)

    def received(self, headers: Headers) -> None:
        """Take an event.

        FullyBooted ends the wait for a booting PBX, Shutdown loses the connection.
        """
        event = headers["Event"]
        if event == "FullyBooted":
            self._release_booted_or_lost()
        self._on_event(headers)
        if event == "Shutdown":
            self.lose("the PBX shuts down")

    def _release_booted_or_lost(self) -> None:
        if not self.booted_or_lost.done():
            self.booted_or_lost.set_result(None)


class _SingleUseManager(Manager):  # type: ignore[misc]  # panoramisk has no types
    """A panoramisk Manager that connects once and does nothing by itself."""

    def __init__(self, connection: AmiConnection) -> None:
        tls = connection.settings.tls
        super().__init__(
            host=connection.settings.host,
            port=connection.settings.port,
            ssl=ssl_context(tls) if tls is not None else None,
            encoding="utf-8",
            forgetable_actions=(),
            log=_silent,
        )
        self._connection = connection

    async def open(self) -> _Protocol:
        self.loop = asyncio.get_running_loop()
        _, protocol = await self.loop.create_connection(
            lambda: _Protocol(self._connection, self),
            self.config["host"],
            self.config["port"],
            ssl=self.config["ssl"],
        )
        self.protocol = protocol
        return protocol

    def connect(self, *_: Any, **__: Any) -> None:
        """Called by panoramisk to reconnect. That is the link's business."""

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.lose(f"the connection was lost: {exc}" if exc else "the PBX hung up")


class _Protocol(AMIProtocol):  # type: ignore[misc]  # panoramisk has no types
    """panoramisk's protocol with its reading, sending and closing made safe."""

    def __init__(self, connection: AmiConnection, manager: _SingleUseManager) -> None:
        self._connection = connection
        self._manager = manager
        self._buffer = MessageBuffer(connection.settings.max_message_bytes)
        self._pending: dict[str, SentAction] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.log = _silent
        self.factory = self._manager

    def write(self, action: SentAction, wire: bytes) -> None:
        """Raises PbxUnavailable if the transport takes nothing any more."""
        if self.transport.is_closing():
            raise PbxUnavailable("the link to the PBX is down")
        self._pending[action.action_id] = action
        self.transport.write(wire)

    def forget(self, action_id: str) -> None:
        self._pending.pop(action_id, None)

    def data_received(self, data: bytes) -> None:
        """Never raises: an exception here would make asyncio close the link."""
        self._connection.bytes_received += len(data)
        self._connection.on_read()
        try:
            for headers in self._buffer.feed(data):
                if self._connection.lost.done():
                    return
                self._one_message(headers)
        except (MessageTooLong, NotAnAmiServer) as error:
            self._connection.lose(f"this is not AMI: {error}")

    def _one_message(self, headers: Headers) -> None:
        try:
            action = self._pending.get(headers.get("ActionID", ""))
            if action is not None and action.takes(headers):
                if action.add(headers):
                    self.forget(action.action_id)
            elif "Event" in headers:
                self._connection.received(headers)
        except Exception:
            kind = headers.get("Event") or headers.get("Response")
            log.exception("ami_message_failed", message_kind=kind)

    def drop(self, why: str) -> None:
        pending, self._pending = self._pending, {}
        for action in pending.values():
            if not action.answer.done():
                action.answer.set_exception(PbxOutcomeUnknown(why))
                # The sender may have been cancelled; asyncio must not log "never retrieved".
                action.answer.exception()
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._manager.connection_lost(exc)

    def close(self) -> None:
        """panoramisk's close queues unanswered actions for another try; this one does not."""
        self._connection.lose("closed")
