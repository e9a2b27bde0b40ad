"""The questions that every kind of phone answers about its calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from .dialog_log import Dialog, DialogLog
from .sip_message import SipMessage

T = TypeVar("T")


class PhoneError(RuntimeError):
    """The phone could not do what was asked, or what was waited for did not happen in time."""


@dataclass(frozen=True)
class PhoneEvent:
    """Something the phone saw."""

    name: str
    """registered, unregistered, incoming, outgoing, ringing, established, closed."""
    call_id: str
    detail: str
    monotonic_s: float
    wall_ms: int


class PhoneObserver:
    """Follows a phone through its SIP messages.

    Every wait takes its limit in seconds and raises PhoneError when it passes. Methods that
    take a `call` mean the newest one if it is left out.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.registered = False
        self.once_registered: Callable[[], Awaitable[None]] | None = None
        """start() also waits for this: a PBX may take a moment to count the phone as there."""
        self.events: list[PhoneEvent] = []
        self.log = DialogLog()
        self._watchers: set[asyncio.Event] = set()
        self._rings_taken = 0

    @property
    def incoming_invites(self) -> int:
        """How many calls were offered to this phone; a repeated INVITE counts once."""
        return len(self.log.incoming)

    @property
    def last_incoming(self) -> Dialog | None:
        """Newest incoming call with caller_number, caller_name, offered_video, missed …"""
        return self.log.incoming[-1] if self.log.incoming else None

    @property
    def missed_calls(self) -> list[Dialog]:
        """Calls that the phone's list would show as missed."""
        return [dialog for dialog in self.log.dialogs if dialog.missed]

    @property
    def current(self) -> Dialog | None:
        """The newest call, also when it has ended."""
        return self.log.dialogs[-1] if self.log.dialogs else None

    async def wait_ringing(self, timeout_s: float = 20.0) -> Dialog:
        """The next incoming call that this method has not returned yet.

        It rings (180 or 183 is sent), or is past that already.
        """

        def next_incoming() -> Dialog | None:
            fresh = self.log.incoming[self._rings_taken :]
            rang = fresh and (fresh[0].ringing or fresh[0].established or fresh[0].closed)
            return fresh[0] if rang else None

        dialog = await self._until(next_incoming, timeout_s, "does not ring")
        self._rings_taken += 1
        return dialog

    async def wait_established(
        self, timeout_s: float = 20.0, *, call: Dialog | None = None
    ) -> Dialog:
        """Raises PhoneError at once if the given call ends instead."""

        def established() -> Dialog | None:
            dialog = call or self.current
            if call is not None and call.closed:
                raise PhoneError(f"{self.name}: the call ended: {call.close_reason}")
            return dialog if dialog and dialog.established and not dialog.closed else None

        return await self._until(established, timeout_s, "is not in a call")

    async def wait_closed(self, timeout_s: float = 20.0, *, call: Dialog | None = None) -> Dialog:
        """The ended call: close_reason ("BYE received", "486 Busy Here" …) and close_cause."""

        def closed() -> Dialog | None:
            dialog = call or self.current
            return dialog if dialog and dialog.closed else None

        return await self._until(closed, timeout_s, "has a call that does not end")

    def _take_message(self, message: SipMessage) -> Dialog | None:
        """Feed one message; returns the call it belongs to, None outside of calls."""
        dialog = self.log.of_call_id(message.call_id)
        before = _stages(dialog)
        dialog = self.log.add(message)
        if dialog is not None:
            for stage in _stages(dialog)[len(before) :]:
                self._note(stage, dialog.call_id, dialog.close_reason, message)
        elif message.method == "REGISTER" and 200 <= message.status < 300:
            # After an un-REGISTER the answer lists no contact.
            self.registered = bool(message.header("contact"))
            self._note("registered" if self.registered else "unregistered", "", "", message)
        self._changed()
        return dialog

    def _changed(self) -> None:
        for watcher in self._watchers:
            watcher.set()

    def _note(self, name: str, call_id: str, detail: str, message: SipMessage) -> None:
        event = PhoneEvent(name, call_id, detail, message.monotonic_s, message.wall_ms)
        self.events.append(event)

    async def _until(self, find: Callable[[], T | None], timeout_s: float, failure: str) -> T:
        """Look again after every change until `find` gives something."""
        changed = asyncio.Event()
        self._watchers.add(changed)
        try:
            async with asyncio.timeout(timeout_s):
                while (found := find()) is None:
                    await changed.wait()
                    changed.clear()
                return found
        except TimeoutError:
            raise PhoneError(
                self._with_log(f"{self.name} {failure} within {timeout_s:g} s")
            ) from None
        finally:
            self._watchers.discard(changed)

    def _with_log(self, text: str) -> str:
        recent = [
            f"{'>' if message.sent else '<'} {message.start_line}"
            for message in self.log.messages[-12:]
        ]
        return "\n  ".join([text, *recent])


def _stages(dialog: Dialog | None) -> list[str]:
    """Names of the events a call has had, in the order in which they are noted."""
    if dialog is None:
        return []
    stages = ["incoming" if dialog.incoming else "outgoing"]
    reached = [("ringing", dialog.ringing), ("established", dialog.established)]
    return stages + [name for name, done in reached if done] + ["closed"] * dialog.closed
