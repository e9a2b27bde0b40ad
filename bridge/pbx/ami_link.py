"""The link to one Asterisk: implements bridge.calls.pbx.Pbx and feeds a PbxListener.

When the session is logged in and the PBX booted: take a snapshot, hand it over, then every event
received since the login in its order. An event may therefore be older than the snapshot; the
listener tolerates repeated news.
"""

from __future__ import annotations

from pathlib import Path

from bridge.calls.pbx import HangUpResult, OriginateOrder, PbxListener, PbxRefused
from bridge.calls.pbx_events import ChannelSnapshot, PbxEvent, PbxSnapshot, PhoneReachability
from bridge.pbx import ami_values
from bridge.pbx.ami_connection import AmiConnection
from bridge.pbx.ami_session import AmiSession
from bridge.pbx.ami_values import AmiAction
from bridge.pbx.event_decode import decode_channel
from bridge.pbx.event_recording import EventRecorder
from bridge.pbx.event_stream import EventStream, StreamMeasures
from bridge.pbx.originate import originate_action
from bridge.pbx.pbx_settings import AmiSettings, Dialplan
from bridge.pbx.phone_reachability import EndpointStates, ReachableEndpoints

NORMAL_CLEARING = "16"


class AmiLink(AmiSession):
    """The session that the calls are made and followed with."""

    def __init__(
        self,
        settings: AmiSettings,
        listener: PbxListener,
        *,
        dialplan: Dialplan | None = None,
        endpoint_states: EndpointStates | None = None,
        record_to: Path | None = None,
    ) -> None:
        super().__init__(settings)
        self._listener = listener
        self._dialplan = dialplan or Dialplan()
        self._endpoints = ReachableEndpoints(endpoint_states, settings.action_timeout_s)
        self._record_to = record_to
        self._recorder: EventRecorder | None = None
        self._stream: EventStream
        self._synchronised: PbxSnapshot
        self.measures = StreamMeasures()

    # ---- what the calls use -----------------------------------------------------

    def reachable(self, endpoint: str) -> bool:
        return self._endpoints.reachable(endpoint)

    async def refresh_endpoints(self) -> None:
        """Ask again which endpoints can be reached, after their set was changed. Never raises."""
        await self._endpoints.refresh()

    async def originate(self, order: OriginateOrder) -> None:
        action = originate_action(order, self._settings, self._dialplan)
        answer = await self.send(action)
        if answer.get("Response") != "Success":
            raise PbxRefused(answer.get("Message", "no reason given"))

    async def hang_up(self, uniqueid: str) -> HangUpResult:
        channel = ami_values.uniqueid(uniqueid)
        action = AmiAction("Hangup", (("Channel", channel), ("Cause", NORMAL_CLEARING)))
        answer = await self.send(action)
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
        if self._record_to is not None and self._recorder is None:
            self._recorder = EventRecorder(self._record_to)
        await super().start()

    async def stop(self) -> None:
        await super().stop()
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None

    # ---- one connection ----------------------------------------------------------

    def _new_connection(self) -> AmiConnection:
        stream = EventStream(
            self._settings.max_queued_events,
            self.measures,
            on_overflow=lambda: connection.lose("too many events waiting"),
            recorder=self._recorder,
        )

        def lost(why: str) -> None:
            self._lost(why)
            stream.close()

        connection = AmiConnection(self._settings, stream.put, lost)
        self._stream = stream
        return connection

    async def _prepare(self, connection: AmiConnection) -> None:
        await super()._prepare(connection)
        await self._endpoints.refresh()
        self._synchronised = await self._take_snapshot(connection)

    async def _serve(self, connection: AmiConnection) -> None:
        snapshot = self._synchronised
        self._log.info("ami_link_up", channels=len(snapshot.channels))
        self._tell("link_up", lambda: self._listener.link_up(snapshot))
        await self._stream.run(self._deliver)
        at_ms, why = self._pbx_ms(), connection.lost.result()
        self._tell("link_down", lambda: self._listener.link_down(at_ms, why))

    async def _still_there(self) -> None:
        if self._endpoints.missing:
            await self._endpoints.refresh()

    # ---- pieces -----------------------------------------------------------------

    async def _take_snapshot(self, connection: AmiConnection) -> PbxSnapshot:
        at_ms = self._pbx_ms()
        channels: list[ChannelSnapshot] = []
        action = AmiAction(
            "CoreShowChannels", each_item=lambda item: channels.append(decode_channel(item))
        )
        answer = await connection.send(action, self._settings.action_timeout_s)
        if answer.get("Response") != "Success":
            raise PbxRefused(f"CoreShowChannels: {answer.get('Message', 'no reason given')}")
        return PbxSnapshot(at_ms, tuple(channels))

    def _deliver(self, event: PbxEvent) -> None:
        if isinstance(event, PhoneReachability):
            self._endpoints.apply(event)
        self._listener.pbx_event(event)
