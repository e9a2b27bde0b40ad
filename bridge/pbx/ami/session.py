"""One AMI user's session with one Asterisk, kept up: connect, log in, wait until the PBX is booted,
watch. After a loss all of it begins anew, after a growing delay.

Events are ignored here, which is enough for a user that only sends actions. AmiLink adds the calls.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from bridge.calls.pbx import LinkStatus, PbxOutcomeUnknown, PbxRefused, PbxUnavailable
from bridge.clock import now_ms
from bridge.faults import reason
from bridge.pbx.ami.connection import AmiConnection, LoginRefused
from bridge.pbx.ami.message import Headers
from bridge.pbx.ami.reconnect_delay import ReconnectDelay, wait_unless
from bridge.pbx.ami.values import AmiAction
from bridge.pbx.pbx_settings import AmiSettings
from bridge.supervision.tasks import LivingTask, in_background, must_live

log = structlog.get_logger()

SAY_AGAIN_S = 60.0
_REFUSED = "login refused: "
_SILENT = "the PBX does not answer any more"
BOOTING = "the PBX is still booting (or its AMI user lacks read=system)"


class _StillBooting(Exception):
    """Login works, calls do not yet: ask again soon, the delay does not grow."""


class AmiSession:
    """One Asterisk, one user. `start` returns at once; the session is up when the PBX is ready.

    `at_up` is called each time it has come up; it must not block.
    """

    def __init__(self, settings: AmiSettings, *, at_up: Callable[[], None] = lambda: None) -> None:
        self._settings = settings
        self._at_up = at_up
        self._connection: AmiConnection | None = None
        self._task: LivingTask | None = None
        self._stopping = asyncio.Event()
        self._clock_offset_s = 0.0
        self._said: tuple[int, str] | None = None
        self._say_again_s = 0.0
        self._link = LinkStatus(up=False, since_ms=now_ms(), why="not started")
        self._address = f"AMI at {settings.host} port {settings.port}"
        self._log = log.bind(pbx=settings.pbx_name, ami_user=settings.username)

    @property
    def name(self) -> str:
        return self._settings.pbx_name

    @property
    def link(self) -> LinkStatus:
        return self._link

    async def send(self, action: AmiAction) -> Headers:
        """Send the action and return its answer, which may be a refusal.

        Raises PbxUnavailable if the link is down, PbxOutcomeUnknown without an answer in time.
        """
        return await self.begin(action)

    def begin(self, action: AmiAction) -> Coroutine[Any, Any, Headers]:
        """Send the action now; returns its answer to come, which must be awaited.

        Raises PbxUnavailable if the link is down. The answer raises PbxOutcomeUnknown.
        """
        return self._up_connection().begin(action, self._settings.action_timeout_s)

    # ---- life -------------------------------------------------------------------

    async def start(self) -> None:
        """Connect in the background, and again after each loss.

        Returns before the link is up. Raises RuntimeError if it is started already.
        """
        if self._task is not None:
            raise RuntimeError("the link is already started")
        self._stopping.clear()
        self._set_link(up=False, why="connecting")
        self._task = must_live(self._keep_connected(), f"ami_session_{self._settings.username}")

    async def stop(self) -> None:
        """Log off, finish what was received, end. Takes at most two logoff_timeout_s."""
        if self._task is None:
            return
        self._task.let_end()
        self._stopping.set()
        connection = self._connection
        if connection is not None and not connection.lost.done():
            try:
                await connection.send(AmiAction("Logoff"), self._settings.logoff_timeout_s)
            except (PbxUnavailable, PbxOutcomeUnknown) as error:
                self._log.debug("ami_logoff_unanswered", why=str(error))
            connection.lose("stopped")
        await asyncio.wait({self._task.task}, timeout=self._settings.logoff_timeout_s)
        await self._task.stop()
        self._task = None
        self._set_link(up=False, why="stopped")

    def cut(self, why: str) -> None:
        """Close the connection before this returns, and connect no more; nothing is said to the
        PBX, not even that it is the end. `stop` ends the rest.
        """
        if self._task is None:
            return
        self._task.let_end()
        self._stopping.set()
        if self._connection is not None:
            self._connection.lose(why)

    # ---- what a user of more than actions adds ------------------------------------

    def _new_connection(self) -> AmiConnection:
        return AmiConnection(self._settings, lambda _: None, self._lost)

    async def _prepare(self, connection: AmiConnection) -> None:
        """Before the link counts as up. Raises what makes the connection useless."""
        await self._ping(connection, self._settings.action_timeout_s)

    async def _serve(self, connection: AmiConnection) -> None:
        """While the link is up; returns after the connection was lost."""
        self._log.info("ami_session_up")
        self._tell("at_up", self._at_up)
        await asyncio.shield(connection.lost)

    async def _still_there(self) -> None:
        """After each ping of the watchdog."""

    # ---- supervision ------------------------------------------------------------

    async def _keep_connected(self) -> None:
        delay = ReconnectDelay(self._settings.reconnect_min_s, self._settings.reconnect_max_s)
        while not self._stopping.is_set():
            began = time.monotonic()
            was_up, why = await self._one_connection()
            self._set_link(up=False, why=why)
            # A link that breaks as soon as it is up must not be retried without a delay.
            lasted_s = time.monotonic() - began
            if why == BOOTING or (was_up and lasted_s >= self._settings.reconnect_min_s):
                delay.reset()
            wait_s = delay.next()
            if not self._stopping.is_set():
                self._log_down(why, wait_s)
            await wait_unless(self._stopping, wait_s)

    def _log_down(self, why: str, wait_s: float) -> None:
        """Once for one reason, and again now and then while it lasts."""
        level, refused = logging.WARNING, why.startswith(_REFUSED)
        if why == BOOTING:
            level = (
                logging.ERROR
                if self._link.lasts_s > self._settings.boot_timeout_s
                else logging.INFO
            )
        elif refused:
            level = logging.ERROR
        now_s = time.monotonic()
        if self._said == (level, why) and now_s < self._say_again_s:
            return
        self._said, self._say_again_s = (level, why), now_s + SAY_AGAIN_S
        if refused:
            self._log.error("ami_login_refused", why=why, retry_in_s=round(wait_s, 2))
        else:
            self._log.log(level, "ami_link_down", why=why, retry_in_s=round(wait_s, 2))

    async def _one_connection(self) -> tuple[bool, str]:
        """From connect to loss; whether the link was up, and why it ended. Never raises."""
        was_up = False
        connection = self._new_connection()
        self._connection = connection
        watchdog: asyncio.Task[None] | None = None
        try:
            await connection.open()
            watchdog = in_background(self._watch(connection), "ami_watchdog")
            # without it a half-open link would go unnoticed
            watchdog.add_done_callback(lambda _: connection.lose("nothing watches the link"))
            await self._booted(connection)
            await self._prepare(connection)
            if not connection.lost.done():
                was_up = True
                self._said = None
                self._set_link(up=True, why="")
                await self._serve(connection)
        except LoginRefused as error:
            connection.lose(f"{_REFUSED}{error}")
        except TimeoutError:
            limit_s = self._settings.connect_timeout_s
            connection.lose(f"{self._address}: no connection within {limit_s:g} s")
        except OSError as error:
            connection.lose(f"{self._address}: {reason(error)}")
        except (PbxUnavailable, PbxOutcomeUnknown, PbxRefused, _StillBooting) as error:
            connection.lose(reason(error))
        except Exception as error:
            self._log.exception("ami_link_failed")
            connection.lose(f"unexpected: {type(error).__name__}")
        finally:
            if watchdog is not None:
                watchdog.cancel()
            connection.lose("closed")
            self._connection = None
        return was_up, connection.lost.result()

    def _lost(self, why: str) -> None:
        self._set_link(up=False, why=why)

    async def _booted(self, connection: AmiConnection) -> None:
        if not connection.booted_or_lost.done():
            self._set_link(up=False, why=BOOTING)
        recheck_s = self._settings.boot_recheck_s
        await asyncio.wait({connection.booted_or_lost}, timeout=recheck_s)
        if connection.lost.done():
            raise PbxUnavailable(connection.lost.result())
        if not connection.booted_or_lost.done():
            raise _StillBooting(BOOTING)

    async def _watch(self, connection: AmiConnection) -> None:
        """Notices a half-open link: neither an answer nor an event after a ping."""
        while not connection.lost.done():
            await asyncio.sleep(self._settings.ping_interval_s)
            before, asked = connection.bytes_received, (now_ms(), time.monotonic())
            try:
                await self._ping(connection, self._settings.ping_timeout_s)
            except PbxOutcomeUnknown:
                if connection.bytes_received == before and not connection.lost.done():
                    # Nothing was heard of it since then, and calls may have changed.
                    self._set_link(up=False, why=_SILENT, since=asked)
                    connection.lose(_SILENT)
            except PbxUnavailable:
                return
            await self._still_there()

    async def _ping(self, connection: AmiConnection, timeout_s: float) -> None:
        """Its answer carries the PBX's clock, which all moments are told in."""
        answer = await connection.send(AmiAction("Ping"), timeout_s)
        try:
            self._clock_offset_s = float(answer["Timestamp"]) - time.time()
        except (KeyError, ValueError):
            self._clock_offset_s = 0.0

    # ---- pieces -----------------------------------------------------------------

    def _up_connection(self) -> AmiConnection:
        connection = self._connection
        if connection is None or not self._link.up:
            raise PbxUnavailable(self._link.why or "the link to the PBX is down")
        return connection

    def _tell(self, what: str, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:
            self._log.exception("pbx_listener_failed", callback=what)

    def _set_link(self, *, up: bool, why: str, since: tuple[int, float] | None = None) -> None:
        """`since`: from when it is so, by the wall clock and the monotonic one; None: from now."""
        if up == self._link.up and why == self._link.why:
            return
        if up == self._link.up:  # still down, for another reason: since it went down
            since = self._link.since_ms, self._link.since_s
        since_ms, since_s = since or (now_ms(), time.monotonic())
        self._link = LinkStatus(up, since_ms, why, since_s)

    def _pbx_ms(self) -> int:
        return int((time.time() + self._clock_offset_s) * 1000)

    def _lost_ms(self) -> int:
        """By the clock of the PBX: until when it was heard, before it is noticed that it is not."""
        if self._link.up:
            return self._pbx_ms()
        return self._link.since_ms + int(self._clock_offset_s * 1000)
