"""Wiring of one node: one PBX and all that follows its calls, started and stopped on its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AsyncExitStack

from bridge.calls.directory_parties import DirectoryParties
from bridge.calls.hanging_up import HangUp
from bridge.calls.live.call_feed import CallFeed
from bridge.calls.live.call_metrics import CallMetrics
from bridge.calls.live.call_traces import CallTraces
from bridge.calls.live.switchboard import Switchboard
from bridge.calls.live.tracker import CallTracker
from bridge.calls.live.which_live_calls import LiveCalls
from bridge.calls.placing import CallPlacement
from bridge.calls.steering.acting_calls import ActingCalls
from bridge.calls.steering.action_turns import ActionTurns
from bridge.calls.steering.conferences import Conferences
from bridge.calls.steering.sending_digits import DigitSender
from bridge.calls.store.call_store import CallStore
from bridge.calls.timeline.sip_call_ids import SipCallIds
from bridge.calls.timeline.timelines import Timelines
from bridge.config.settings import Settings
from bridge.http.node_services import NodeServices
from bridge.http.uapi.idempotent_creates import IdempotentCreates
from bridge.http.uapi.stream.shared_items import SharedItems
from bridge.pbx.acting_needs import ActingNeeds
from bridge.pbx.ami.conferences import ConfBridgeActions
from bridge.pbx.ami.digits import PlayDtmf
from bridge.pbx.ami.idle_closing_session import IdleClosingSession
from bridge.pbx.ami.link import AmiLink
from bridge.pbx.ami.queue_actions import QueueActions
from bridge.pbx.ami.steering import AmiSteering
from bridge.pbx.ari.client import AriClient
from bridge.pbx.ari.dialplan_values import DialplanValues
from bridge.pbx.phones.browser_secrets import BrowserSecrets
from bridge.pbx.phones.directory_phones import DirectoryPhones
from bridge.queues.provisioning import QueueProvisioning
from bridge.queues.queue_agents import QueueAgents
from bridge.queues.store.agent_store import AgentStore
from bridge.recordings.service import Recordings
from bridge.recordings.store.conversation_store import ConversationStore
from bridge.storage.row_writer import RowWriter
from bridge.tracing.traces import NO_TRACES
from bridge.wiring.call_limits import call_limits, pace
from bridge.wiring.edge import follow_edge, phones_of_node
from bridge.wiring.metrics import recording_failure_counter
from bridge.wiring.pbx import ami_settings, ari_settings, phone_profile, voicemail_limits
from bridge.wiring.recordings import open_recordings
from bridge.wiring.rounds import begin_rounds
from bridge.wiring.shared_parts import SharedParts
from bridge.wiring.steering import open_steering
from bridge.wiring.voicemail import open_voicemail

# An Originate that was sent has its channel, or its refusal, well within this time.
ORIGINATE_GRACE_S = 10.0
# A client whose DELETE succeeded does not see the call in the list a second later.
HANG_UP_SWEEP_S = 0.5
# A second session costs CPU time while it is open; one order of digits follows another by less.
DIGITS_IDLE_S = 2.0
# Of a reload for its phones: the next reload must not wait until thousands of them are made.
PHONES_WAIT_S = 5.0


class Node:
    """`start` once, then `stop` once: nothing of it is left behind, and another may be started.

    `settings`: those of this PBX. `queue`: all rows of its calls are written there. `may_act`:
    whether this instance may ask the PBX for something new at this moment; None: always.
    `taken_over`: another instance has held it before. `services`: the parts that handlers use, once
    it is started.
    """

    def __init__(
        self,
        settings: Settings,
        shared: SharedParts,
        queue: RowWriter,
        may_act: Callable[[], bool] | None = None,
        *,
        taken_over: bool = False,
    ) -> None:
        self.settings = settings
        self.name = settings.pbx_name
        self.services: NodeServices
        self._shared = shared
        self._may_act = may_act
        self._taken_over = taken_over
        self.is_cut = False
        self._linked = asyncio.Event()
        self._stack = AsyncExitStack()
        self._timelines = Timelines(settings.timeline_entries_max)
        self._calls = CallStore(shared.engine, queue, shared.answers, self._timelines.text)
        self.ari = AriClient(ari_settings(settings, shared.secrets), may_act)
        self._at_edge = phones_of_node(shared.edge, self.ari)
        self.link = AmiLink(
            ami_settings(settings, shared.secrets),
            endpoint_states=self._at_edge.endpoint_states,
            record_to=settings.record_pbx_events_to,
            event_lag=shared.metrics.pbx_event_lag_seconds.observe,
            originating=shared.traces.originating,
            edge=self._at_edge.edge,
            may_act=may_act,
        )
        tracker = CallTracker(settings.pbx_name, DirectoryParties(shared.directory))
        self.switchboard = Switchboard(
            self.link, tracker, self._calls, ORIGINATE_GRACE_S, self._timelines
        )
        self._creates = IdempotentCreates(self._calls, shared.keyed_answers, shared.answers)
        self._feed = CallFeed()
        subscribers = None if shared.edge is None else shared.edge.subscribers.of_node(queue)
        self._browser_secrets = BrowserSecrets(
            self.ari,
            shared.directory,
            settings.browser_phone_secret_s,
            subscribers=subscribers,
        )
        self.phones = DirectoryPhones(
            phone_profile(settings),
            shared.directory,
            self.ari,
            self.link,
            self._browser_secrets,
            subscribers,
        )
        self._dialplan_values = DialplanValues(
            shared.directory, self.ari, voicemail_limits(settings)
        )
        actions = QueueActions(self.link)
        agents = AgentStore(shared.engine, queue)
        self._queue_agents = QueueAgents(shared.directory, actions, agents)
        self._queues = QueueProvisioning(
            shared.directory, self._queue_agents, actions, settings.queues_file, may_act
        )
        self._conversations = ConversationStore(shared.engine, queue)
        self._steering = AmiSteering(self.link.send, self.ari.running_modules)

    async def start(self) -> None:
        """Take up the calls that are on disk, and connect with the PBX in the background.

        Raises StorageUnavailable; nothing has been asked of the PBX then, and all is stopped.
        """
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the sessions with the PBX and all work on its calls. The calls themselves go on."""
        await self._stack.aclose()

    def cut(self) -> None:
        """Another instance has the node: before this returns the session with the PBX is closed,
        and no stream tells of its calls any more. `stop` ends the rest.
        """
        self.is_cut = True
        self._linked.set()
        self.end_streams()
        self.link.cut("another instance has taken it over")
        for part in (self.phones, self._dialplan_values, self._queues):
            part.stop()

    async def push_directory(self) -> None:
        """The directory is another one: bring the PBX in line with it."""
        await self._dialplan_values.push()
        await self._queues.push()
        await self.phones.begin(PHONES_WAIT_S)

    def end_streams(self) -> None:
        """End the streams of its calls; none begins any more."""
        self._feed.close()

    async def _start(self) -> None:
        stack, settings, shared = self._stack, self.settings, self._shared
        await stack.enter_async_context(self.ari)
        self._observe()
        for part in (self.phones, self._dialplan_values, self._queues):
            stack.callback(part.stop)
        self.switchboard.at_link_up(self._tell_pbx)
        several = shared.several
        seen_ms = 0 if several is None else await several.seen_ms(self.name)
        await self.switchboard.restore(taken_over=self._taken_over)
        self._timelines.restore(await self._calls.live_timelines(self.name))
        stack.callback(self._store_timelines)
        turns = ActionTurns()
        recordings = await open_recordings(
            stack,
            settings,
            shared.secrets,
            self.switchboard,
            self.ari,
            self._calls,
            self._conversations,
            shared.directory,
            turns,
            recording_failure_counter(shared.metrics),
            self._may_act,
        )
        open_voicemail(stack, settings, recordings, self._calls, shared.directory, self.link)
        hang_up = HangUp(self.switchboard, self._calls, HANG_UP_SWEEP_S)
        away = None if several is None else several.calls_away
        placement = CallPlacement(self.switchboard, pace(settings), call_limits(settings), away)
        digits = IdleClosingSession(ami_settings(settings, shared.secrets), idle_s=DIGITS_IDLE_S)
        self.services = self._make_services(recordings, turns, hang_up, placement, digits)
        stack.callback(self.services.acting.stop)
        stack.push_async_callback(digits.stop)
        if settings.timeline_entries_max > 0:
            sip_call_ids = SipCallIds(
                self.switchboard, self._steering.sip_call_id, settings.sip_call_ids_per_second
            )
            self.switchboard.observe(sip_call_ids.changed)
        await self.link.start()
        stack.push_async_callback(self.switchboard.stop)
        stack.callback(hang_up.stop)
        stack.push_async_callback(self.link.stop)
        stack.push_async_callback(placement.finish)
        begin_rounds(
            stack,
            settings,
            self.switchboard,
            hang_up,
            self._browser_secrets.replace_old,
            may_act=self._may_act,
            seen_ms=seen_ms,
        )
        stack.callback(self.end_streams)

    def _store_timelines(self) -> None:
        if not self.is_cut:
            self.switchboard.store_timelines()

    def _observe(self) -> None:
        """Join the parts to the changes of the calls, in the order in which they are told."""
        shared, switchboard = self._shared, self.switchboard
        self.link.listen(switchboard)
        follow_edge(self._stack, shared.edge, self.link)
        self._stack.callback(shared.events.tell_wants_digits(self.link.hear_digits))
        switchboard.observe(self._feed.note)
        switchboard.observe_recordings(self._feed.note)
        switchboard.observe(CallMetrics(shared.metrics).changed)
        if shared.traces is not NO_TRACES:
            switchboard.observe(CallTraces(shared.traces).changed)
        switchboard.add_companions(shared.events.rows.of_change)
        switchboard.add_companions(shared.events.call_receivers.of_change)
        switchboard.add_companions(self._creates.of_change)

    def _make_services(
        self,
        recordings: Recordings,
        turns: ActionTurns,
        hang_up: HangUp,
        placement: CallPlacement,
        digits: IdleClosingSession,
    ) -> NodeServices:
        switchboard, needs = self.switchboard, ActingNeeds(self.link, self.ari)
        return NodeServices(
            pbx=self.link,
            phones=self.phones,
            browser_secrets=self._browser_secrets,
            registrations=self._at_edge.registrations(self.link),
            phone_changes=self.link.phone_changes,
            switchboard=switchboard,
            live_calls=LiveCalls(switchboard.calls.live, self._shared.directory),
            placement=placement,
            hang_up=hang_up,
            digits=DigitSender(switchboard, PlayDtmf(digits)),
            conferences=Conferences(switchboard, ConfBridgeActions(self.link.send), hang_up),
            call_feed=self._feed,
            stream_items=SharedItems(),
            acting=ActingCalls(switchboard, placement, hang_up, self._calls.accept, needs),
            steering=open_steering(
                switchboard, self._steering, turns, self.settings.parked_per_organization_max
            ),
            idempotency=self._creates,
            recordings=recordings,
            queue_agents=self._queue_agents,
            queues=self._queues,
        )

    async def _tell_pbx(self) -> None:
        """Each time the link has come up: the PBX may have been restarted in between."""
        self._linked.set()
        self._steering.forget()
        await self._dialplan_values.push()
        await self._queues.push()
        await self.phones.provision()

    async def wait_until_linked(self, time_limit_s: float) -> None:
        """Return once the link has been up, the node is cut, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(time_limit_s):
                await self._linked.wait()

    async def wait_until_ready(self, time_limit_s: float) -> None:
        """Return when calls can be placed. Raises TimeoutError with the reason."""
        try:
            async with asyncio.timeout(time_limit_s):
                await self.phones.ready.wait()
        except TimeoutError:
            raise TimeoutError(f"the PBX is not ready: {self.link.link.why}") from None
