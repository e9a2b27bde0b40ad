"""The start while the database is down: alive and not ready until it is there, as with the PBX."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web

from bridge.config.settings import Settings
from bridge.faults import StorageUnavailable
from bridge.http.server import start_http, stop_accepting
from bridge.http.waiting_application import make_waiting_application
from bridge.supervision.conditions import Condition
from bridge.supervision.tasks import awaited
from bridge.wiring.http import server_settings

_SILENT_S = 2.0
_RETRY_FIRST_S, _RETRY_LAST_S = 0.5, 5.0


class DatabaseWait:
    """Errors that waiting cannot cure end the start: StorageUnusable, DatabaseTooNew."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._missing = Condition("storage_unavailable_began", "storage_unavailable_ended")
        self._silence = ""  # what is said while the first attempt goes on
        self._runner: web.AppRunner | None = None
        # The time of the silence may end while the service is about to listen on the same port.
        self._turns = asyncio.Lock()
        self._has_made_way = False

    async def started(
        self, start: Callable[[], Awaitable[None]], undo: Callable[[], Awaitable[None]]
    ) -> None:
        """Do `start` until it raises no StorageUnavailable, and `undo` after each that did.

        Meanwhile HTTP answers `/health/live` with 200, and everything else with 503.
        """
        delay_s = _RETRY_FIRST_S
        try:
            while True:
                try:
                    await self._attempt(start)
                    break
                except StorageUnavailable as why:
                    self._missing.begin(str(why))
                await undo()
                self._has_made_way = False
                await self._listen()
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, _RETRY_LAST_S)
        finally:
            for kept in await self.make_way():
                kept.close()
        self._missing.end()

    async def make_way(self) -> list[socket.socket]:
        """Stop to answer: the service itself is about to listen, on these sockets.

        There are none if nobody has listened yet. The caller closes them in the end. No client is
        refused meanwhile.
        """
        async with self._turns:
            self._has_made_way = True
            runner, self._runner = self._runner, None
            return [] if runner is None else await stop_accepting(runner)

    async def _attempt(self, start: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            await start()

        attempt = awaited(run(), "start_service")
        try:
            await asyncio.wait({attempt}, timeout=_SILENT_S)
            if not attempt.done():
                self._silence = f"the database has not answered for {_SILENT_S:g} s"
                await self._listen()
            await attempt
        finally:
            self._silence = ""
            if not attempt.done():
                attempt.cancel()
                await asyncio.wait({attempt})

    async def _listen(self) -> None:
        async with self._turns:
            if self._runner is not None or self._has_made_way:
                return
            app = make_waiting_application(
                self._settings.pbx_name, self._settings.body_max_bytes, self._why
            )
            self._runner = await start_http(app, server_settings(self._settings))

    def _why(self) -> str:
        return self._missing.problem or self._silence or "it is starting"
