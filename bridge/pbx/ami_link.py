"""The link to one Asterisk: implements bridge.calls.pbx.Pbx and feeds a PbxListener.

Connect, log in, wait until the PBX is booted, take a snapshot, hand it over, then every event
received since the login in its order. An event may therefore be older than the snapshot; the
listener tolerates repeated news. After a loss all of it begins anew, after a growing delay.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from bridge.calls.pbx import (
    HangUpResult,
    LinkStatus,
    OriginateOrder,
    PbxListener,
    PbxOutcomeUnknown,
    PbxRefused,
    PbxUnavailable,
)
from bridge.calls.pbx_events import PbxEvent, PbxSnapshot, PhoneReachability
from bridge.pbx import ami_values
from bridge.pbx.ami_connection import AmiConnection, LoginRefused
from bridge.pbx.ami_message import Headers
from bridge.pbx.ami_values import AmiAction
from bridge.pbx.event_decode import decode_channel
from bridge.pbx.event_recording import EventRecorder
from bridge.pbx.event_stream import EventStream, StreamMeasures
from bridge.pbx.originate import originate_action
from bridge.pbx.pbx_settings import AmiSettings, Dialplan
from bridge.pbx.phone_reachability import EndpointStates, ReachableEndpoints
from bridge.pbx.reconnect_delay import ReconnectDelay, wait_unless

log = structlog.get_logger()

NORMAL_CLEARING = "16"
BOOTING = "the PBX is still booting (or its AMI user lacks read=system)"


class _StillBooting(Exception):
    """Login works, calls do not yet: ask again soon, the delay does not grow."""


class AmiLink:
    """One Asterisk. `start` returns at once; the link comes up when the PBX is ready."""

    def __init__(
        self,
        settings: AmiSettings,
        listener: PbxListener,
        *,
        dialplan: Dialplan | None = None,
        endpoint_states: EndpointStates | None = None,
        record_to: Path | None = None,
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._dialplan = dialplan or Dialplan()
        self._endpoints = ReachableEndpoints(endpoint_states, settings.action_timeout_s)
        self._record_to = record_to
        self._recorder: EventRecorder | None = None
        self._connection: AmiConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._clock_offset_s = 0.0
        self._link = LinkStatus(up=False, since_ms=_local_ms(), why="not started")
        self._log = log.bind(pbx=settings.pbx_name)
        self.measures = StreamMeasures()

    # ---- what the calls use -----------------------------------------------------

    @property
    def name(self) -> str:
        return self._settings.pbx_name

    @property
    def link(self) -> LinkStatus:
        return self._link

    def reachable(self, endpoint: str) -> bool:
        return self._endpoints.reachable(endpoint)

    async def refresh_endpoints(self) -> None:
        """Ask again which endpoints can be reached, after their set was changed. Never raises."""
        await self._endpoints.refresh()

    async def originate(self, order: OriginateOrder) -> None:
        action = originate_action(order, self._settings, self._dialplan)
        answer = (await self.send(action))[0]
        if answer.get("Response") != "Success":
            raise PbxRefused(answer.get("Message", "no reason given"))

    async def hang_up(self, uniqueid: str) -> HangUpResult:
        channel = ami_values.uniqueid(uniqueid)
        action = AmiAction("Hangup", (("Channel", channel), ("Cause", NORMAL_CLEARING)))
        answer = (await self.send(action))[0]
        if answer.get("Response") == "Success":
            return HangUpResult.HUNG_UP
        message = answer.get("Message", "no reason given")
        if message.lower().startswith("no such channel"):
            return HangUpResult.NO_SUCH_CHANNEL
        raise PbxRefused(message)

    async def snapshot(self) -> PbxSnapshot:
        return await self._take_snapshot(self._up_connection())

    # ---- life -------------------------------------------------------------------

    async def start(self) -> None:
        if self._task is not None:
            raise RuntimeError("the link is already started")
        if self._record_to is not None:
            self._recorder = EventRecorder(self._record_to)
        self._stopping.clear()
        self._set_link(up=False, why="connecting")
        self._task = asyncio.create_task(self._keep_connected(), name=f"ami-{self.name}")

    async def stop(self) -> None:
        """Log off, hand over what was already received, end. Takes at most two logoff_timeout_s."""
        if self._task is None:
            return
        self._stopping.set()
        connection = self._connection
        if connection is not None and not connection.lost.done():
            try:
                await connection.send(AmiAction("Logoff"), self._settings.logoff_timeout_s)
            except (PbxUnavailable, PbxOutcomeUnknown) as error:
                self._log.debug("ami_logoff_unanswered", why=str(error))
            connection.lose("stopped")
        await asyncio.wait({self._task}, timeout=self._settings.logoff_timeout_s)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        self._set_link(up=False, why="stopped")
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None

    # ---- supervision ------------------------------------------------------------

    async def _keep_connected(self) -> None:
        delay = ReconnectDelay(self._settings.reconnect_min_s, self._settings.reconnect_max_s)
        while not self._stopping.is_set():
            began = time.monotonic()
            was_up, why = await self._one_connection()
            self._set_link(up=False, why=why)
            # A link that breaks as soon as it is up must not be tried in a tight loop.
            lasted_s = time.monotonic() - began
            if why == BOOTING or (was_up and lasted_s >= self._settings.reconnect_min_s):
                delay.reset()
            wait_s = delay.next()
            if not self._stopping.is_set():
                self._log_down(why, wait_s)
            await wait_unless(self._stopping, wait_s)

    def _log_down(self, why: str, wait_s: float) -> None:
        level = logging.WARNING
        if why == BOOTING:
            booting_s = (_local_ms() - self._link.since_ms) / 1000
            level = logging.ERROR if booting_s > self._settings.boot_timeout_s else logging.INFO
        self._log.log(level, "ami_link_down", why=why, retry_in_s=round(wait_s, 2))

    async def _one_connection(self) -> tuple[bool, str]:
        """From connect to loss; whether the link was up, and why it ended. Never raises."""
        was_up = False
        stream = EventStream(
            self._settings.max_queued_events,
            self.measures,
            on_overflow=lambda: connection.lose("too many events waiting"),
            recorder=self._recorder,
        )

        def lost(why: str) -> None:
            self._set_link(up=False, why=why)
            stream.close()

        connection = AmiConnection(self._settings, stream.put, lost)
        self._connection = connection
        watchdog: asyncio.Task[None] | None = None
        try:
            await connection.open()
            watchdog = asyncio.create_task(self._watch(connection))
            await self._booted(connection)
            snapshot = await self._synchronise(connection)
            if not connection.lost.done():
                was_up = True
                self._set_link(up=True, why="")
                self._log.info("ami_link_up", channels=len(snapshot.channels))
                self._tell("link_up", lambda: self._listener.link_up(snapshot))
                await stream.run(self._deliver)
        except LoginRefused as error:
            self._log.error("ami_login_refused", user=self._settings.username, why=str(error))
            connection.lose(f"login refused: {error}")
        except TimeoutError:
            connection.lose(f"no connection within {self._settings.connect_timeout_s:g} s")
        except (OSError, PbxUnavailable, PbxOutcomeUnknown, PbxRefused, _StillBooting) as error:
            connection.lose(str(error))
        except Exception as error:
            self._log.exception("ami_link_failed")
            connection.lose(f"unexpected: {type(error).__name__}")
        finally:
            if watchdog is not None:
                watchdog.cancel()
            connection.lose("closed")
            self._connection = None
        why = connection.lost.result()
        if was_up:
            at_ms = self._pbx_ms()
            self._tell("link_down", lambda: self._listener.link_down(at_ms, why))
        return was_up, why

    async def _booted(self, connection: AmiConnection) -> None:
        if not connection.booted_or_lost.done():
            self._set_link(up=False, why=BOOTING)
        recheck_s = self._settings.boot_recheck_s
        await asyncio.wait({connection.booted_or_lost}, timeout=recheck_s)
        if connection.lost.done():
            raise PbxUnavailable(connection.lost.result())
        if not connection.booted_or_lost.done():
            raise _StillBooting(BOOTING)

    async def _synchronise(self, connection: AmiConnection) -> PbxSnapshot:
        await self._ping(connection, self._settings.action_timeout_s)
        await self._endpoints.refresh()
        return await self._take_snapshot(connection)

    async def _watch(self, connection: AmiConnection) -> None:
        """Notices a half-open link: neither an answer nor an event after a ping."""
        while not connection.lost.done():
            await asyncio.sleep(self._settings.ping_interval_s)
            before = connection.bytes_received
            try:
                await self._ping(connection, self._settings.ping_timeout_s)
            except PbxOutcomeUnknown:
                if connection.bytes_received == before:
                    connection.lose("the PBX does not answer any more")
            except PbxUnavailable:
                return
            if self._endpoints.missing:
                await self._endpoints.refresh()

    async def _ping(self, connection: AmiConnection, timeout_s: float) -> None:
        """Its answer carries the PBX's clock, which all moments are told in."""
        answer = (await connection.send(AmiAction("Ping"), timeout_s))[0]
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

    async def send(self, action: AmiAction) -> list[Headers]:
        return await self._up_connection().send(action, self._settings.action_timeout_s)

    async def _take_snapshot(self, connection: AmiConnection) -> PbxSnapshot:
        at_ms = self._pbx_ms()
        action = AmiAction("CoreShowChannels", collects_list=True)
        answer, *items = await connection.send(action, self._settings.action_timeout_s)
        if answer.get("Response") != "Success":
            raise PbxRefused(f"CoreShowChannels: {answer.get('Message', 'no reason given')}")
        listed = (one for one in items if one["Event"] == "CoreShowChannel")
        return PbxSnapshot(at_ms, tuple(decode_channel(one) for one in listed))

    def _deliver(self, event: PbxEvent) -> None:
        if isinstance(event, PhoneReachability):
            self._endpoints.apply(event)
        self._listener.pbx_event(event)

    def _tell(self, what: str, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:
            self._log.exception("pbx_listener_failed", method=what)

    def _set_link(self, *, up: bool, why: str) -> None:
        if up == self._link.up and why == self._link.why:
            return
        # Still down, for another reason: it is down since it went down.
        since_ms = self._link.since_ms if up == self._link.up else _local_ms()
        self._link = LinkStatus(up, since_ms, why)

    def _pbx_ms(self) -> int:
        return int((time.time() + self._clock_offset_s) * 1000)


def _local_ms() -> int:
    return int(time.time() * 1000)
