"""The link to one Asterisk: implements bridge.calls.pbx.Pbx and feeds a PbxListener.

After the login and the boot of the PBX it takes a snapshot and hands it over. Then it hands over
every event since the login, in order. An event may therefore be older than the snapshot; the
listener tolerates repeated news.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from bridge.calls.pbx import (
    HangUpResult,
    OriginateOrder,
    PbxListener,
    PbxOutcomeUnknown,
    PbxRefused,
    PbxUnavailable,
)
from bridge.calls.state.hangup_causes import NORMAL_CLEARING
from bridge.calls.state.pbx_events import (
    ChannelSnapshot,
    MailboxChanged,
    PbxEvent,
    PbxSnapshot,
    PhoneReachability,
    PhoneRegistered,
    PhoneUnregistered,
)
from bridge.pbx.ami import values as ami_values
from bridge.pbx.ami.check_call_id import is_of_check
from bridge.pbx.ami.connection import AmiConnection
from bridge.pbx.ami.dial_strings import dialled_endpoint
from bridge.pbx.ami.edge_gate import EdgeGate, waits_for_check
from bridge.pbx.ami.event_file import EventRecorder
from bridge.pbx.ami.event_headers import decode_listed_channel
from bridge.pbx.ami.event_mask import event_mask
from bridge.pbx.ami.event_stream import EventStream
from bridge.pbx.ami.message import Headers
from bridge.pbx.ami.originate import originate_action
from bridge.pbx.ami.sent_action import succeeded, why_refused
from bridge.pbx.ami.session import AmiSession
from bridge.pbx.ami.values import AmiAction
from bridge.pbx.pbx_settings import AmiSettings, Dialplan
from bridge.pbx.phones.phone_changes import PhoneChanges
from bridge.pbx.phones.phones_of_edge import PhonesOfEdge
from bridge.pbx.phones.reachability import EndpointStates, ReachableEndpoints
from bridge.pbx.phones.replaced_phones import ReplacedPhones
from bridge.supervision.tasks import in_background

_OF_NO_CALL = frozenset({PhoneReachability, PhoneRegistered, PhoneUnregistered, MailboxChanged})


class AmiLink(AmiSession):
    """The session that the calls are made and followed with."""

    def __init__(
        self,
        settings: AmiSettings,
        *,
        dialplan: Dialplan | None = None,
        endpoint_states: EndpointStates | None = None,
        record_to: Path | None = None,
        event_lag: Callable[[float], None] = lambda _: None,
        originating: Callable[[str], AbstractContextManager[object]] = lambda _: nullcontext(),
        may_act: Callable[[], bool] | None = None,
        edge: PhonesOfEdge | None = None,
    ) -> None:
        """`event_lag` is told the seconds between the arrival of an event and its turn.
        `originating` is called once the Originate of the call with this id is written; what it
        gives surrounds the wait for the answer. `may_act`: whether this instance may place calls on
        this PBX at this moment; None: always. `edge`: phones register there, and not at the PBX.
        """
        super().__init__(settings)
        self._listener: PbxListener
        self._dialplan = dialplan or Dialplan()
        self._edge = edge
        behind = None if edge is None else edge.endpoint
        self._endpoints = ReachableEndpoints(
            endpoint_states, settings.action_timeout_s, behind=behind
        )
        self._replaced = ReplacedPhones()
        self.phone_changes = PhoneChanges()
        self._digits = False
        self._record_to = record_to
        self._event_lag = event_lag
        self._originating = originating
        self._may_act = may_act
        self._mailbox_changed: Callable[[str], None] = lambda _: None
        self._recorder: EventRecorder | None = None
        self._stream: EventStream
        self._synchronised: PbxSnapshot

    def at_mailbox_changed(self, told: Callable[[str], None]) -> None:
        """Have `told` called with each mailbox that changes. It must not block."""
        self._mailbox_changed = told

    # ---- what the calls use -----------------------------------------------------

    @property
    def events_waiting(self) -> int:
        """How many events have arrived and wait for their turn; 0 without a connection."""
        return self._stream.waiting if self.link.up else 0

    def reachable(self, endpoint: str) -> bool:
        return self._endpoints.reachable(endpoint)

    def why_unreachable(self, dial: str) -> str:
        endpoint = dialled_endpoint(dial)
        return self._endpoints.why_unreachable(endpoint) if endpoint else ""

    async def refresh_endpoints(self) -> None:
        """Ask again which endpoints can be reached, after their set was changed. Never raises."""
        await self._endpoints.refresh()

    async def has_phone_to_ring(self, endpoint: str) -> bool:
        """The answer is what Dial would ring: also a phone that Asterisk has not asked yet.

        The events lag behind a registration, and ARI counts such a phone as offline.
        Raises PbxUnavailable, InvalidPbxValue.
        """
        name = endpoint.removeprefix("PJSIP/")
        if self.reachable(endpoint) or name == endpoint:
            return self.reachable(endpoint)
        if self._edge is not None:
            return not self._endpoints.edge_is_dead and await self._edge.is_registered(name)
        asked = f"PJSIP_DIAL_CONTACTS({ami_values.endpoint_name(name)})"
        try:
            answer = await self.send(AmiAction("Getvar", (("Variable", asked),)))
        except PbxOutcomeUnknown as why:
            raise PbxUnavailable(f"it does not say whether {endpoint} is registered") from why
        return succeeded(answer) and bool(answer.get("Value"))

    async def has_in_dialplan(self, context: str, exten: str) -> bool:
        """Whether the dialplan has that extension in that context.

        Raises PbxUnavailable, PbxOutcomeUnknown. A user that may not see the dialplan gets True.
        """
        where = (("Context", context), ("Extension", exten))
        action = AmiAction("ShowDialPlan", where, lambda _: None, "ListDialplan")
        answer = await self.send(action)
        return succeeded(answer) or "permission" in why_refused(answer).lower()

    def originate(self, order: OriginateOrder) -> Coroutine[Any, Any, None]:
        action = originate_action(order, self._settings, self._dialplan, self._may_act)
        answered = self.begin(action)
        # Here and not below: the first events of the call may come before its answer is awaited.
        return self._originated(self._originating(order.call_id), answered)

    async def _originated(
        self, until_answered: AbstractContextManager[object], answered: Awaitable[Headers]
    ) -> None:
        with until_answered:
            answer = await answered
        if not succeeded(answer):
            raise PbxRefused(why_refused(answer))

    async def hang_up(self, uniqueid: str) -> HangUpResult:
        channel = ami_values.uniqueid(uniqueid)
        action = AmiAction("Hangup", (("Channel", channel), ("Cause", str(NORMAL_CLEARING))))
        answer = await self.send(action)
        if succeeded(answer):
            return HangUpResult.HUNG_UP
        message = why_refused(answer)
        if message.lower().startswith("no such channel"):
            return HangUpResult.NO_SUCH_CHANNEL
        raise PbxRefused(message)

    async def ask_channel(self, uniqueid: str) -> bool:
        # No list is awaited: the channel comes as an event, in the order of the others.
        action = AmiAction("Status", (("Channel", ami_values.uniqueid(uniqueid)),))
        answer = await self.send(action)
        if succeeded(answer):
            return True
        if why_refused(answer).lower().startswith("no such channel"):
            return False
        raise PbxRefused(why_refused(answer))

    async def snapshot(self) -> PbxSnapshot:
        return await self._take_snapshot(self._up_connection())

    def phone_told(self, event: PhoneReachability) -> None:
        """Take news of a phone that come not from the PBX, but from the edge."""
        if self.link.up:
            self._deliver(event)
        else:
            self._endpoints.apply(event)

    def hear_digits(self, wanted: bool) -> None:
        """Have the PBX tell the digits that phones send, or no longer. Does not wait."""
        if wanted == self._digits:
            return
        self._digits = wanted
        if self.link.up:  # else the next login says it
            self._asking = in_background(self._ask_for_events(), "ami_event_mask")

    # ---- life -------------------------------------------------------------------

    def listen(self, listener: PbxListener) -> None:
        """Tell this listener all that happens on the PBX. To be called once, before `start`."""
        self._listener = listener

    async def start(self) -> None:
        """Connect in the background, and follow all that happens on the PBX.

        Raises RuntimeError before `listen`, because calls would be made and not followed.
        """
        if not hasattr(self, "_listener"):
            raise RuntimeError("listen() must be called before start()")
        if self._record_to is not None and self._recorder is None:
            self._recorder = EventRecorder(self._record_to)
        await super().start()

    async def stop(self) -> None:
        """End the session as AmiSession.stop does, and close the file of recorded events."""
        await super().stop()
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None

    # ---- one connection ----------------------------------------------------------

    def _new_connection(self) -> AmiConnection:
        stream = EventStream(
            self._settings.max_queued_events,
            on_overflow=lambda: connection.lose("too many events waiting"),
            recorder=self._recorder,
            lag=self._event_lag,
        )

        def lost(why: str) -> None:
            self._lost(why)
            stream.close()

        events = event_mask(digits=self._digits)
        put = stream.put if self._edge is None else EdgeGate(stream.put).put
        connection = AmiConnection(self._settings, put, lost, events, stream.new_read)
        self._stream = stream
        return connection

    async def _prepare(self, connection: AmiConnection) -> None:
        await super()._prepare(connection)
        await self._endpoints.refresh()
        self.phone_changes.all_anew()
        self._synchronised = await self._take_snapshot(connection)

    async def _serve(self, connection: AmiConnection) -> None:
        snapshot = self._synchronised
        self._log.info("ami_link_up", live_channels=len(snapshot.channels))
        self._tell("link_up", lambda: self._listener.link_up(snapshot))
        await self._stream.run(self._deliver)
        at_ms, why = self._lost_ms(), connection.lost.result()
        self._tell("link_down", lambda: self._listener.link_down(at_ms, why))

    async def _still_there(self) -> None:
        if self._endpoints.missing:
            await self._endpoints.refresh()

    # ---- pieces -----------------------------------------------------------------

    async def _ask_for_events(self) -> None:
        mask = AmiAction("Events", (("EventMask", event_mask(digits=self._digits)),))
        try:
            answer = await self.send(mask)
        except (PbxUnavailable, PbxOutcomeUnknown) as why:
            self._log.info("ami_event_mask_not_set", why=str(why))
            return
        if not succeeded(answer):
            self._log.info("ami_event_mask_not_set", why=why_refused(answer))

    async def _take_snapshot(self, connection: AmiConnection) -> PbxSnapshot:
        at_ms = self._pbx_ms()
        channels: list[ChannelSnapshot] = []

        def take(item: Headers) -> None:
            if not is_of_check(item) and not (self._edge is not None and waits_for_check(item)):
                channels.append(decode_listed_channel(item))

        action = AmiAction("CoreShowChannels", each_item=take)
        answer = await connection.send(action, self._settings.action_timeout_s)
        if not succeeded(answer):
            raise PbxRefused(f"CoreShowChannels: {why_refused(answer)}")
        return PbxSnapshot(at_ms, tuple(channels))

    def _deliver(self, event: PbxEvent) -> None:
        if event.__class__ in _OF_NO_CALL:
            self._take_of_no_call(event)
        self._listener.pbx_event(event)

    def _take_of_no_call(self, event: PbxEvent) -> None:
        self.phone_changes.take(event)
        if isinstance(event, PhoneReachability):
            self._endpoints.apply(event)
            if self._edge is not None and event.endpoint == self._edge.endpoint:
                self.phone_changes.all_anew()
        elif isinstance(event, PhoneRegistered):
            self._endpoints.registered(event)
            self._replaced.registered(event)
        elif isinstance(event, PhoneUnregistered):
            self._endpoints.unregistered(event)
            self._replaced.unregistered(event)
        elif isinstance(event, MailboxChanged):
            self._mailbox_changed(event.mailbox)
