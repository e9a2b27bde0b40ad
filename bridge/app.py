"""Wiring: every part of the service, made and started in order, stopped in the reverse order."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import structlog
from aiohttp import web

from bridge.calls.hanging_up import HangUp
from bridge.calls.pace import Pace
from bridge.calls.pbx import PbxListener
from bridge.calls.placing import CallLimits, CallPlacement
from bridge.calls.switchboard import Switchboard, now_ms
from bridge.calls.tracker import CallTracker
from bridge.directory.loader import CurrentDirectory
from bridge.directory.party_lookup import DirectoryParties
from bridge.directory_phones import DirectoryPhones
from bridge.http import application
from bridge.http.context import Services
from bridge.http.server import close_http, start_http
from bridge.http.uapi.idempotency import IdempotentCreates
from bridge.maintenance import (
    AGE_CHECK_INTERVAL_S,
    PURGE_INTERVAL_S,
    AgeLimit,
    DurationLimit,
    every,
)
from bridge.oauth.token_service import TokenService
from bridge.pbx.ami_link import AmiLink
from bridge.pbx.ari_client import AriClient
from bridge.pbx_access import ami_settings, ari_settings
from bridge.phone_call_events.directory_numbers import DirectoryNumbers
from bridge.phone_call_events.opening import open_phone_call_events
from bridge.phone_call_events.phone_call_events import PhoneCallEvents
from bridge.phone_call_events.rights import DirectoryRights
from bridge.recording_wiring import open_recordings
from bridge.settings import Settings
from bridge.state_folder import directory_file, open_secrets
from bridge.storage.call_store import CallStore
from bridge.storage.conversation_store import ConversationStore
from bridge.storage.engine import open_engine
from bridge.storage.faults import StorageUnavailable
from bridge.storage.idempotency import IdempotencyStore
from bridge.storage.migrate import migrate
from bridge.storage.token_store import TokenStore
from bridge.storage.verba_token_store import VerbaTokenStore
from bridge.storage.write_queue import WriteQueue
from bridge.verba_access import VerbaAccess

log = structlog.get_logger()

# An Originate that was sent has its channel, or its refusal, well within this time.
ORIGINATE_GRACE_S = 10.0
HANG_UP_SWEEP_S = 2.0


class Service:
    """One running service: `async with Service(settings) as service`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.secrets = open_secrets(settings)
        self.directory = CurrentDirectory(directory_file(settings), self.secrets)
        self._stack = AsyncExitStack()
        self.link: AmiLink
        self.ari: AriClient
        self.tokens: TokenService
        self.phones: DirectoryPhones
        self.switchboard: Switchboard
        self.verba_access: VerbaAccess
        self.events: PhoneCallEvents

    async def __aenter__(self) -> Service:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        settings = self.settings
        engine = open_engine(
            settings.resolved_database_url, sqlite_synchronous=settings.sqlite_synchronous
        )
        self._stack.push_async_callback(engine.dispose)
        await migrate(engine)
        queue = WriteQueue(engine)
        await queue.start()
        self._stack.push_async_callback(queue.stop)
        answers = IdempotencyStore(
            engine, queue, lifetime_ms=settings.idempotency_lifetime_s * 1000
        )
        calls = CallStore(engine, queue, answers)
        self.tokens = TokenService(
            TokenStore(engine, queue),
            lambda client_id: self.directory.directory.apps.get(client_id),
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
        )
        tracker = CallTracker(settings.pbx_name, DirectoryParties(self.directory))
        self.switchboard = Switchboard(self._make_link, tracker, calls, ORIGINATE_GRACE_S)
        self.switchboard.write_along(self.events.rows.of_change)
        self.phones = DirectoryPhones(settings, self.directory, self.ari, self.link)
        self._stack.callback(self.phones.stop)
        self.switchboard.at_link_up(self.phones.provision)
        await self.switchboard.restore()
        recordings = await open_recordings(
            self._stack,
            settings,
            self.secrets,
            self.switchboard,
            self.ari,
            calls,
            ConversationStore(engine, queue),
            self.directory,
        )
        self.verba_access = VerbaAccess(
            self.directory, VerbaTokenStore(engine, queue), settings.verba_token_lifetime_s
        )
        hang_up = HangUp(self.switchboard, calls, HANG_UP_SWEEP_S)
        services = Services(
            settings=settings,
            phones=self.phones,
            directory=self.directory,
            tokens=self.tokens,
            pbx=self.link,
            switchboard=self.switchboard,
            placement=CallPlacement(self.switchboard, self._pace(), self._limits()),
            hang_up=hang_up,
            records=calls,
            idempotency=IdempotentCreates(calls, answers),
            phone_call_events=self.events,
            recordings=recordings,
            verba_access=self.verba_access,
            storage_problem=lambda: queue.problem,
        )
        await self.link.start()
        self._stack.push_async_callback(self.switchboard.stop)
        self._stack.callback(hang_up.stop)
        self._stack.push_async_callback(self.link.stop)
        self._keep_up(hang_up, calls, answers)
        runner = await start_http(self._http(services), settings)
        self._stack.push_async_callback(close_http, runner)

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
        await asyncio.to_thread(self.directory.reload)
        self.events.check_rights()
        await self.phones.provision()
        log.info("directory reloaded", file=str(self.directory.path))
        try:
            await self.tokens.purge()
        except StorageUnavailable as why:
            # They are refused as it is; the next round of purging forgets them.
            log.warning("tokens of the old directory not forgotten yet", why=str(why))

    def _make_link(self, listener: PbxListener) -> AmiLink:
        self.link = AmiLink(
            ami_settings(self.settings, self.secrets),
            listener,
            endpoint_states=self.ari.endpoint_states,
            record_to=self.settings.record_pbx_events_to,
        )
        return self.link

    def _keep_up(self, hang_up: HangUp, calls: CallStore, answers: IdempotencyStore) -> None:
        settings = self.settings
        age = AgeLimit(self.switchboard, hang_up, settings.call_age_max_s)
        duration = DurationLimit(self.switchboard, hang_up)

        async def purge() -> None:
            await calls.purge_ended(now_ms() - settings.ended_calls_kept_s * 1000)
            await answers.purge(now_ms() - settings.idempotency_lifetime_s * 1000)
            await self.verba_access.purge()
            await self.events.purge(now_ms() - settings.events_kept_s * 1000)
            await self.tokens.purge()

        rounds = (
            every(settings.resync_interval_s, "resync", self.switchboard.resync),
            every(AGE_CHECK_INTERVAL_S, "age limit", age.enforce),
            every(AGE_CHECK_INTERVAL_S, "duration limit", duration.enforce),
            every(PURGE_INTERVAL_S, "purge", purge),
        )
        for round_ in rounds:
            task = asyncio.create_task(round_)
            self._stack.callback(task.cancel)

    def _http(self, services: Services) -> web.Application:
        return application.make_application(services)

    def _pace(self) -> Pace:
        settings = self.settings
        return Pace(settings.calls_per_second, settings.calls_burst, settings.call_queue_wait_ms)

    def _limits(self) -> CallLimits:
        settings = self.settings
        return CallLimits(
            per_extension=settings.calls_per_extension_max,
            per_user=settings.calls_per_user_max,
            total=settings.calls_max,
            destination_wait_s=settings.destination_wait_s,
        )
