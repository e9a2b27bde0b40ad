"""Wiring: every part of the service, made and started in order, stopped in the reverse order."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import structlog

from bridge.access.one_time_codes import OneTimeCodes
from bridge.access.password_sign_in import PasswordSignIn
from bridge.access.token_service import TokenService
from bridge.access.token_store import TokenStore
from bridge.access.verba_access import VerbaAccess
from bridge.access.verba_token_store import VerbaTokenStore
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
from bridge.calls.store.idempotency_store import IdempotencyStore
from bridge.calls.timeline.sip_call_ids import SipCallIds
from bridge.calls.timeline.timelines import Timelines
from bridge.config.settings import Settings
from bridge.config.state_folder import open_secrets
from bridge.directory.changes import changes
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.faults import StorageUnavailable
from bridge.http import application
from bridge.http.context import Services
from bridge.http.keyed_answers import KeyedAnswers
from bridge.http.server import close_http, start_http
from bridge.http.uapi.idempotent_creates import IdempotentCreates
from bridge.http.uapi.stream.places import StreamPlaces
from bridge.http.uapi.stream.reader_watch import ReaderWatch
from bridge.http.uapi.stream.shared_items import SharedItems
from bridge.metrics.declared import Metrics
from bridge.metrics.exposition import exposition
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
from bridge.pbx.phones.registrations import Registrations
from bridge.phone_call_events.directory_numbers import DirectoryNumbers
from bridge.phone_call_events.rights import DirectoryRights
from bridge.phone_call_events.service import PhoneCallEvents
from bridge.queues.provisioning import QueueProvisioning
from bridge.queues.queue_agents import QueueAgents
from bridge.queues.store.agent_store import AgentStore
from bridge.recordings.store.conversation_store import ConversationStore
from bridge.storage.engine import open_engine
from bridge.storage.migrate import migrate
from bridge.storage.probe import StorageProbe
from bridge.storage.write_queue import WriteQueue
from bridge.supervision.tasks import supervisor
from bridge.tracing.traces import NO_TRACES
from bridge.wiring.call_limits import call_limits, pace
from bridge.wiring.database_wait import DatabaseWait
from bridge.wiring.http import http_settings, server_settings
from bridge.wiring.metrics import attempt_counter, gauges, recording_failure_counter, serve_metrics
from bridge.wiring.pbx import ami_settings, ari_settings, phone_profile, voicemail_limits
from bridge.wiring.phone_call_events import open_phone_call_events
from bridge.wiring.recordings import open_recordings
from bridge.wiring.rounds import Purges, begin_rounds
from bridge.wiring.steering import open_steering
from bridge.wiring.traces import open_traces
from bridge.wiring.voicemail import open_voicemail

log = structlog.get_logger()

# An Originate that was sent has its channel, or its refusal, well within this time.
ORIGINATE_GRACE_S = 10.0
# A client whose DELETE succeeded does not see the call in the list a second later.
HANG_UP_SWEEP_S = 0.5
# A second session costs CPU time while it is open; one order of digits follows another by less.
DIGITS_IDLE_S = 2.0
# Of a reload for its phones: the next reload must not wait until thousands of them are made.
PHONES_WAIT_S = 5.0

# A person points a phone at a QR code meanwhile.
PROVISIONING_S = 600.0


class Service:
    """One running service: `async with Service(settings) as service`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.secrets = open_secrets(settings)
        self.directory = CurrentDirectory(settings.directory_file or EXAMPLE_FILE, self.secrets)
        self.sign_in_codes = OneTimeCodes[str](settings.console_link_s)
        self._stack = AsyncExitStack()
        self._wait = DatabaseWait(settings)
        self.link: AmiLink
        self.ari: AriClient
        self.tokens: TokenService
        self.phones: DirectoryPhones
        self.dialplan_values: DialplanValues
        self.queues: QueueProvisioning
        self.switchboard: Switchboard
        self.verba_access: VerbaAccess
        self.events: PhoneCallEvents

    async def __aenter__(self) -> Service:
        try:
            await self._wait.started(self._start, self._stop_what_started)
        except BaseException:
            await self._stop_what_started()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _stop_what_started(self) -> None:
        await self._stack.aclose()
        self._stack = AsyncExitStack()

    async def _start(self) -> None:
        """Raises StorageUnavailable; nothing has been asked of the PBX then."""
        settings = self.settings
        engine = open_engine(
            settings.resolved_database_url, sqlite_synchronous=settings.sqlite_synchronous
        )
        self._stack.push_async_callback(engine.dispose)
        await migrate(engine)
        metrics = Metrics()
        traces = open_traces(self._stack, settings)
        queue = WriteQueue(engine, committed=metrics.commit_seconds.observe)
        await queue.start()
        self._stack.push_async_callback(queue.stop)
        probe = StorageProbe(queue, settings.pbx_name)
        await probe.start()
        self._stack.push_async_callback(probe.stop)
        answers = IdempotencyStore(
            engine, queue, lifetime_ms=settings.idempotency_lifetime_s * 1000
        )
        timelines = Timelines(settings.timeline_entries_max)
        calls = CallStore(engine, queue, answers, timelines.text)
        self.tokens = TokenService(
            TokenStore(engine, queue),
            lambda client_id: self.directory.directory.apps.get(client_id),
            lambda client_id: self.directory.directory.clients.get(client_id),
            lifetime_s=settings.token_lifetime_s,
        )
        await self.tokens.start()
        ari = AriClient(ari_settings(settings, self.secrets))
        self.ari = await self._stack.enter_async_context(ari)
        self.events = await open_phone_call_events(
            self._stack,
            settings,
            engine,
            queue,
            DirectoryNumbers(self.directory),
            DirectoryRights(self.directory),
            attempt_counter(metrics),
            traces,
        )
        tracker = CallTracker(settings.pbx_name, DirectoryParties(self.directory))
        self.link = AmiLink(
            ami_settings(settings, self.secrets),
            endpoint_states=self.ari.endpoint_states,
            record_to=settings.record_pbx_events_to,
            event_lag=metrics.pbx_event_lag_seconds.observe,
            originating=traces.originating,
        )
        self.switchboard = Switchboard(self.link, tracker, calls, ORIGINATE_GRACE_S, timelines)
        self.link.listen(self.switchboard)
        self.events.tell_wants_digits(self.link.hear_digits)
        call_feed = CallFeed()
        self.switchboard.observe(call_feed.note)
        self.switchboard.observe_recordings(call_feed.note)
        self.switchboard.observe(CallMetrics(metrics).changed)
        if traces is not NO_TRACES:
            self.switchboard.observe(CallTraces(traces).changed)
        self.switchboard.add_companions(self.events.rows.of_change)
        self.switchboard.add_companions(self.events.call_receivers.of_change)
        browser_secrets = BrowserSecrets(self.ari, self.directory, settings.browser_phone_secret_s)
        self.phones = DirectoryPhones(
            phone_profile(settings), self.directory, self.ari, self.link, browser_secrets
        )
        self._stack.callback(self.phones.stop)
        self.dialplan_values = DialplanValues(self.directory, self.ari, voicemail_limits(settings))
        self._stack.callback(self.dialplan_values.stop)
        queue_actions = QueueActions(self.link)
        queue_agents = QueueAgents(self.directory, queue_actions, AgentStore(engine, queue))
        self.queues = QueueProvisioning(
            self.directory, queue_agents, queue_actions, settings.queues_file
        )
        self._stack.callback(self.queues.stop)
        self.switchboard.at_link_up(self._tell_pbx)
        await self.switchboard.restore()
        timelines.restore(await calls.live_timelines(settings.pbx_name))
        self._stack.callback(self.switchboard.store_timelines)
        turns = ActionTurns()
        recordings = await open_recordings(
            self._stack,
            settings,
            self.secrets,
            self.switchboard,
            self.ari,
            calls,
            ConversationStore(engine, queue),
            self.directory,
            turns,
            recording_failure_counter(metrics),
        )
        open_voicemail(self._stack, settings, recordings, calls, self.directory, self.link)
        self.verba_access = VerbaAccess(
            self.directory, VerbaTokenStore(engine, queue), settings.verba_token_lifetime_s
        )
        password_sign_in = PasswordSignIn(self.directory)
        self._stack.callback(password_sign_in.stop)
        hang_up = HangUp(self.switchboard, calls, HANG_UP_SWEEP_S)
        placement = CallPlacement(self.switchboard, pace(settings), call_limits(settings))
        needs = ActingNeeds(self.link, self.ari)
        acting = ActingCalls(self.switchboard, placement, hang_up, calls.accept, needs)
        self._stack.callback(acting.stop)
        digits = IdleClosingSession(ami_settings(settings, self.secrets), idle_s=DIGITS_IDLE_S)
        self._stack.push_async_callback(digits.stop)
        keyed_answers = KeyedAnswers(answers)
        self.pbx_steering = AmiSteering(self.link.send, self.ari.running_modules)
        if settings.timeline_entries_max > 0:
            sip_call_ids = SipCallIds(
                self.switchboard, self.pbx_steering.sip_call_id, settings.sip_call_ids_per_second
            )
            self.switchboard.observe(sip_call_ids.changed)
        services = Services(
            settings=http_settings(settings),
            phones=self.phones,
            browser_secrets=browser_secrets,
            registrations=Registrations(self.link),
            phone_changes=self.link.phone_changes,
            directory=self.directory,
            tokens=self.tokens,
            password_sign_in=password_sign_in,
            sign_in_codes=self.sign_in_codes,
            provisioning_codes=OneTimeCodes(PROVISIONING_S),
            pbx=self.link,
            switchboard=self.switchboard,
            live_calls=LiveCalls(tracker.live, self.directory),
            placement=placement,
            hang_up=hang_up,
            conferences=Conferences(self.switchboard, ConfBridgeActions(self.link.send), hang_up),
            digits=DigitSender(self.switchboard, PlayDtmf(digits)),
            call_feed=call_feed,
            stream_places=StreamPlaces(
                settings.call_streams_max, settings.call_streams_per_app_max
            ),
            stream_items=SharedItems(),
            stream_readers=ReaderWatch(),
            acting=acting,
            steering=open_steering(
                self.switchboard, self.pbx_steering, turns, settings.parked_per_organization_max
            ),
            records=calls,
            call_details=calls,
            timelines=calls,
            idempotency=IdempotentCreates(calls, keyed_answers),
            keyed_answers=keyed_answers,
            phone_call_events=self.events,
            recordings=recordings,
            queue_agents=queue_agents,
            verba_access=self.verba_access,
            storage_problem=lambda: queue.problem,
            supervisor=supervisor(),
            metrics=exposition(metrics, gauges(metrics, lambda: services, queue, self.link)),
        )
        await self.link.start()
        self._stack.push_async_callback(self.switchboard.stop)
        self._stack.callback(hang_up.stop)
        self._stack.push_async_callback(self.link.stop)
        self._stack.push_async_callback(placement.finish)
        purges: Purges = {
            "calls": lambda now: calls.purge_ended(now - settings.ended_calls_kept_s * 1000),
            "idempotency": lambda now: answers.purge(
                now - settings.idempotency_lifetime_s * 1000, settings.idempotency_keys_max
            ),
            "verba_tokens": lambda _: self.verba_access.purge(),
            "events": lambda now: self.events.purge(now - settings.events_kept_s * 1000),
            "app_secrets": lambda now: self.events.call_receivers.purge_secrets(
                now, self.directory.directory.clients
            ),
            "tokens": lambda _: self.tokens.purge(),
        }
        begin_rounds(
            self._stack, settings, self.switchboard, hang_up, purges, browser_secrets.replace_old
        )
        await self._wait.make_way()
        app = application.make_application(services)
        await serve_metrics(self._stack, settings, services.metrics)
        seen = None if traces is NO_TRACES else traces
        runner = await start_http(app, server_settings(settings), metrics, seen)
        self._stack.push_async_callback(close_http, runner)

    async def _tell_pbx(self) -> None:
        """Each time the link has come up: the PBX may have been restarted in between."""
        self.pbx_steering.forget()
        await self.dialplan_values.push()
        await self.queues.push()
        await self.phones.provision()

    async def wait_until_ready(self, time_limit_s: float) -> None:
        """Return when calls can be placed. Raises TimeoutError with the reason."""
        try:
            async with asyncio.timeout(time_limit_s):
                await self.phones.ready.wait()
        except TimeoutError:
            raise TimeoutError(f"the PBX is not ready: {self.link.link.why}") from None

    async def reload(self) -> None:
        """Read the directory file again, and bring the PBX's phones in line with it.

        Raises DirectoryError for an invalid file; the old directory stays in force then.
        """
        before = self.directory.directory
        after = await asyncio.to_thread(self.directory.reload)
        self.events.check_rights()
        await self.dialplan_values.push()
        await self.queues.push()
        await self.phones.begin(PHONES_WAIT_S)
        log.info("directory_reloaded", file=str(self.directory.path), **changes(before, after))
        try:
            await self.tokens.purge()
        except StorageUnavailable as why:
            # The tokens are refused already; the next round of purging forgets them.
            log.warning("token_purge_put_off", why=str(why))
