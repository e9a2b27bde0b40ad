"""A session with Asterisk that is open while it is used.

Asterisk wakes every AMI session for every event, including sessions without events. On 22.10.1 a
second session cost a millisecond of CPU time per call (docs/reference/asterisk.md §6).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bridge.calls.pbx import PbxUnavailable
from bridge.pbx.ami.message import Headers
from bridge.pbx.ami.session import AmiSession
from bridge.pbx.ami.values import AmiAction
from bridge.pbx.pbx_settings import AmiSettings
from bridge.supervision.tasks import in_background

_NO_PROBLEM = ("not started", "connecting", "stopped")


class IdleClosingSession:
    """`idle_s`: how long after its last action it stays open.

    `at_up` is called each time it has come up, as AmiSession does. `start` opens it once, so that a
    missing user or a wrong secret shows at the start, and not at the first recording.
    """

    def __init__(
        self, settings: AmiSettings, *, idle_s: float, at_up: Callable[[], None] = lambda: None
    ) -> None:
        self._session = AmiSession(settings, at_up=self._came_up)
        self._connect_limit_s = settings.connect_timeout_s
        self._idle_s = idle_s
        self._at_up = at_up
        self._up = asyncio.Event()
        self._started = False
        self._starting_or_stopping = asyncio.Lock()
        self._in_use = 0
        self._closing_at: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None

    @property
    def open(self) -> bool:
        return self._session.link.up

    @property
    def problem(self) -> str:
        """Why it cannot be opened; empty while it is open, closed for want of use, or opening."""
        link = self._session.link
        return "" if link.up or link.why in _NO_PROBLEM else link.why

    async def start(self) -> None:
        """Open the session in the background, and return at once.

        Does nothing if it is started already.
        """
        async with self._starting_or_stopping:
            if not self._started:
                self._started = True
                await self._session.start()

    async def stop(self) -> None:
        """Log off if the session is open, and close it. It takes as long as AmiSession.stop."""
        if self._closing_at is not None:
            self._closing_at.cancel()
        async with self._starting_or_stopping:
            await self._session.stop()

    async def send(self, action: AmiAction) -> Headers:
        """Send the action and return its answer, which may be a refusal.

        Opens the session if it is closed. Raises PbxUnavailable, PbxOutcomeUnknown.
        """
        self._in_use += 1
        try:
            await self.start()
            await self._wait_up()
            return await self._session.send(action)
        finally:
            self._in_use -= 1
            self._close_in(self._idle_s)

    async def _wait_up(self) -> None:
        if self._session.link.up:
            return
        self._up.clear()
        try:
            async with asyncio.timeout(self._connect_limit_s):
                await self._up.wait()
        except TimeoutError:
            raise PbxUnavailable(self._session.link.why) from None

    def _came_up(self) -> None:
        self._up.set()
        self._at_up()
        self._close_in(0.0)

    def _close_in(self, idle_s: float) -> None:
        if self._closing_at is not None:
            self._closing_at.cancel()
        self._closing_at = asyncio.get_running_loop().call_later(idle_s, self._close_soon)

    def _close_soon(self) -> None:
        self._closing = in_background(self._close(), "ami_session_close")

    async def _close(self) -> None:
        """One that is not up goes on trying: its log tells why it cannot."""
        async with self._starting_or_stopping:
            if self._in_use == 0 and self._started and self._session.link.up:
                await self._session.stop()
                self._started = False
