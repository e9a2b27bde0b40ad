"""Wiring of an instance: the parts that all nodes share, the nodes, and HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import structlog
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.access.one_time_codes import OneTimeCodes
from bridge.access.password_sign_in import PasswordSignIn
from bridge.access.shared_codes import Codes, LocalCodes, SharedCodes
from bridge.access.token_service import TokenService
from bridge.access.verba_access import VerbaAccess
from bridge.access.verba_token_store import VerbaTokenStore
from bridge.calls.store.call_store import CallStore
from bridge.calls.store.idempotency_store import IdempotencyStore
from bridge.config.secrets_file import SecretSource
from bridge.config.settings import Settings
from bridge.config.state_folder import open_secrets
from bridge.directory.changes import changes
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.faults import StorageUnavailable
from bridge.http import application
from bridge.http.context import Services
from bridge.http.keyed_answers import OTHERS_S, KeyedAnswers
from bridge.http.node_services import HeldNodes
from bridge.http.ops.instance_health import InstanceHealth
from bridge.http.server import close_http, start_http
from bridge.http.uapi.stream.places import StreamPlaces
from bridge.http.uapi.stream.reader_watch import ReaderWatch
from bridge.metrics.declared import Metrics
from bridge.metrics.exposition import exposition
from bridge.phone_call_events.directory_numbers import DirectoryNumbers
from bridge.phone_call_events.rights import DirectoryRights
from bridge.phone_call_events.service import PhoneCallEvents
from bridge.storage.engine import FROZEN_WRITER_LIMIT_S, open_engine
from bridge.storage.migrate import migrate
from bridge.storage.probe import StorageProbe
from bridge.storage.row_writer import RowWriter
from bridge.storage.shared_changes import NO_NOTES, Notes, purge_notes
from bridge.storage.write_queue import WriteQueue
from bridge.supervision.tasks import supervisor
from bridge.tracing.traces import NO_TRACES
from bridge.wiring.database_wait import DatabaseWait
from bridge.wiring.edge import open_edge
from bridge.wiring.http import http_settings, server_settings
from bridge.wiring.metrics import attempt_counter, gauges, serve_metrics
from bridge.wiring.node import Node
from bridge.wiring.phone_call_events import SharedBy, open_phone_call_events
from bridge.wiring.rounds import Purges, begin_purges
from bridge.wiring.shared_parts import SharedParts
from bridge.wiring.tokens import token_service
from bridge.wiring.traces import open_traces

if TYPE_CHECKING:  # an instance that is alone loads nothing of it
    from bridge.cluster.opened_leases import OpenedLeases
    from bridge.wiring.shared_memory import SharedMemory

log = structlog.get_logger()

# A person points a phone at a QR code meanwhile.
PROVISIONING_S = 600.0


class Service:
    """One running instance: `async with Service(settings) as service`.

    `nodes` are those that it holds now, by the names of their PBXs.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.secrets: SecretSource
        self.directory: CurrentDirectory
        if not settings.instance_name:
            self.secrets = open_secrets(settings)
            self.directory = CurrentDirectory(settings.directory_file or EXAMPLE_FILE, self.secrets)
        self.sign_in_codes = OneTimeCodes[str](settings.console_link_s)
        self.nodes: dict[str, Node] = {}
        self._held = HeldNodes()
        self._stack = AsyncExitStack()
        self._wait = DatabaseWait(settings)
        self._reloading = asyncio.Lock()
        self.write_queue: WriteQueue
        self._shared: SharedParts
        self.tokens: TokenService
        self.events: PhoneCallEvents
        self.memory: SharedMemory  # of an instance of several

    @property
    def node(self) -> Node:
        """The node of an instance that always has one, and no other."""
        return self.nodes[self.settings.pbx_name]

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
        settings, stack, shared = self.settings, self._stack, await self._open_shared()
        verba_access = VerbaAccess(
            self.directory,
            VerbaTokenStore(shared.engine, self.write_queue),
            settings.verba_token_lifetime_s,
        )
        password_sign_in = PasswordSignIn(self.directory)
        stack.callback(password_sign_in.stop)
        records = CallStore(shared.engine, self.write_queue, shared.answers)
        services = Services(
            settings=http_settings(settings),
            nodes=self._held,
            directory=self.directory,
            tokens=self.tokens,
            password_sign_in=password_sign_in,
            sign_in_codes=self.sign_in_codes,
            provisioning_codes=self._provisioning_codes(shared.engine),
            stream_places=StreamPlaces(
                settings.call_streams_max, settings.call_streams_per_app_max
            ),
            stream_readers=ReaderWatch(),
            records=records,
            call_details=records,
            timelines=records,
            keyed_answers=shared.keyed_answers,
            phone_call_events=self.events,
            verba_access=verba_access,
            storage_problem=lambda: self.write_queue.problem,
            supervisor=supervisor(),
            metrics=exposition(
                shared.metrics,
                gauges(
                    shared.metrics,
                    lambda: services,
                    self.write_queue,
                    self.nodes.values,
                    shared.leases,
                ),
            ),
            instance_health=self._instance_health(),
        )
        stack.push_async_callback(self._end_nodes)
        if shared.leases is None:
            await self.begin_node(settings, self.write_queue)
        begin_purges(stack, "purge", self._purges(records, verba_access), self._may_purge)
        # Each instance has tokens in memory.
        begin_purges(stack, "purge_tokens", {"tokens": lambda _: self.tokens.purge()})
        await self._wait.make_way()
        app = application.make_application(services)
        await self._surround(app, services)
        await serve_metrics(stack, settings, services.metrics)
        seen = None if shared.traces is NO_TRACES else shared.traces
        runner = await start_http(app, server_settings(settings), shared.metrics, seen)
        stack.push_async_callback(close_http, runner)
        if shared.leases is not None:
            from bridge.wiring.cluster import hold_pbxs

            hold_pbxs(stack, settings, shared.leases, self, self.write_queue)

    async def _surround(self, app: web.Application, services: Services) -> None:
        """Of several instances: have requests get to the holder of their PBX."""
        leases = self._shared.leases
        if leases is None:
            return
        from bridge.wiring.forwarding import open_forwarding, open_placements

        engine, keeper = self._shared.engine, leases.keeper
        placements = await open_placements(self._stack, self.settings, engine, self.directory)
        surround = await open_forwarding(
            self._stack,
            self.settings,
            services,
            engine,
            keeper,
            placements,
            self.write_queue.caught_up,
            self.memory,
            keeper,
        )
        surround(app)

    async def _open_leases(self, engine: AsyncEngine) -> OpenedLeases | None:
        if not self.settings.instance_name:
            return None
        from bridge.wiring.cluster import open_leases

        return await open_leases(self._stack, self.settings, engine, lambda: self.directory.hash)

    async def _open_shared_memory(self, engine: AsyncEngine, leases: OpenedLeases | None) -> Notes:
        """Of several instances: with the secrets and the directory that all of them share."""
        if not self.settings.instance_name:
            return NO_NOTES
        from bridge.wiring.shared_memory import SharedMemory, open_shared_directory

        self.memory = memory = SharedMemory(engine, None if leases is None else leases.hints)
        await memory.start(self._stack)
        self.directory = await asyncio.to_thread(open_shared_directory, self.settings)
        self.secrets = self.directory.secret_source
        return memory.notes

    def _shared_deliveries(
        self, engine: AsyncEngine, leases: OpenedLeases | None
    ) -> SharedBy | None:
        if leases is None:
            return None
        from bridge.wiring.shared_events import shared_deliveries

        return shared_deliveries(self.settings, engine, self.write_queue, leases)

    def _provisioning_codes(self, engine: AsyncEngine) -> Codes:
        """A phone may ask another instance than the one that made its code."""
        if not self.settings.instance_name:
            return LocalCodes(PROVISIONING_S)
        from bridge.cluster.sealing import Seal

        return SharedCodes(engine, self.write_queue, PROVISIONING_S, Seal)

    def _instance_health(self) -> InstanceHealth | None:
        leases = self._shared.leases
        if leases is None:
            return None
        from bridge.wiring.cluster import instance_health

        return instance_health(self.settings, leases, self._held)

    def _may_purge(self) -> bool:
        """Of several instances only one removes old rows."""
        leases = self._shared.leases
        return leases is None or leases.keeper.held("job:purge") is not None

    async def _open_shared(self) -> SharedParts:
        """The parts that nodes need, started. Raises StorageUnavailable."""
        settings, stack, metrics = self.settings, self._stack, Metrics()
        engine = open_engine(
            settings.resolved_database_url,
            sqlite_synchronous=settings.sqlite_synchronous,
            writer_silence_limit_s=FROZEN_WRITER_LIMIT_S if settings.instance_name else None,
        )
        stack.push_async_callback(engine.dispose)
        await migrate(engine)
        leases = await self._open_leases(engine)
        notes = await self._open_shared_memory(engine, leases)
        traces = open_traces(stack, settings)
        queue = self.write_queue = WriteQueue(
            engine,
            committed=metrics.commit_seconds.observe,
            fenced=(lambda _: None) if leases is None else leases.keeper.fenced,
        )
        await queue.start()
        stack.push_async_callback(queue.stop)
        probe = StorageProbe(queue, settings.instance_name or settings.pbx_name)
        await probe.start()
        stack.push_async_callback(probe.stop)
        answers = IdempotencyStore(
            engine, queue, lifetime_ms=settings.idempotency_lifetime_s * 1000
        )
        self.tokens = token_service(settings, engine, queue, self.directory, notes)
        await self.tokens.start()
        self.events = await open_phone_call_events(
            stack,
            settings,
            engine,
            queue,
            DirectoryNumbers(self.directory),
            DirectoryRights(self.directory),
            attempt_counter(metrics),
            traces,
            self._shared_deliveries(engine, leases),
            notes=notes,
        )
        self._shared = SharedParts(
            secrets=self.secrets,
            directory=self.directory,
            engine=engine,
            answers=answers,
            keyed_answers=KeyedAnswers(answers, OTHERS_S if settings.instance_name else 0.0),
            edge=await open_edge(stack, settings, engine, queue),
            events=self.events,
            metrics=metrics,
            traces=traces,
            leases=leases,
        )
        if settings.instance_name:
            self.memory.keep_up(stack, self.tokens, self.events, self.reload)
        return self._shared

    async def begin_node(
        self,
        settings: Settings,
        writes: RowWriter,
        may_act: Callable[[], bool] | None = None,
        *,
        taken_over: bool = False,
    ) -> None:
        """Hold the node of the PBX of these settings. Its rows are written to `writes`.

        `may_act`, `taken_over`: as for `Node`. Raises StorageUnavailable.
        """
        node = Node(settings, self._shared, writes, may_act, taken_over=taken_over)
        await node.start()
        self.nodes[node.name] = node
        self._held.add(node.services)

    async def end_node(self, name: str) -> None:
        """Hold that node no longer; nothing of it is left when this returns."""
        self._held.remove(name)
        await self.nodes.pop(name).stop()

    def cut_node(self, name: str) -> None:
        """Say nothing more to its PBX, and end its streams, before this returns."""
        self._held.remove(name)
        if (node := self.nodes.get(name)) is not None:
            node.cut()

    async def _end_nodes(self) -> None:
        for name in list(self.nodes):
            await self.end_node(name)

    def _purges(self, records: CallStore, verba_access: VerbaAccess) -> Purges:
        settings, events, answers = self.settings, self.events, self._shared.answers
        shared: Purges = {}
        if settings.instance_name:
            shared = {"shared_changes": lambda _: purge_notes(self.write_queue)}
        return {
            **shared,
            "calls": lambda now: records.purge_ended(now - settings.ended_calls_kept_s * 1000),
            "idempotency": lambda now: answers.purge(
                now - settings.idempotency_lifetime_s * 1000, settings.idempotency_keys_max
            ),
            "verba_tokens": lambda _: verba_access.purge(),
            "events": lambda now: events.purge(now - settings.events_kept_s * 1000),
            "app_secrets": lambda now: events.call_receivers.purge_secrets(
                now, self.directory.directory.clients
            ),
        }

    async def wait_until_ready(self, time_limit_s: float) -> None:
        """Return when calls can be placed. Raises TimeoutError with the reason.

        An instance of several does not wait: it answers with and without a PBX.
        """
        if not self.settings.instance_name:
            await self.node.wait_until_ready(time_limit_s)

    async def reload(self) -> None:
        """Read the directory file again, and bring the PBX's phones in line with it.

        Raises DirectoryError for an invalid file; the old directory stays in force then.
        """
        async with self._reloading:
            await self._reload()

    async def _reload(self) -> None:
        before = self.directory.directory
        after = await asyncio.to_thread(self.directory.reload)
        self.events.check_rights()
        for node in list(self.nodes.values()):
            await node.push_directory()
        log.info("directory_reloaded", file=str(self.directory.path), **changes(before, after))
        try:
            await self.tokens.purge()
        except StorageUnavailable as why:
            # The tokens are refused already; the next round of purging forgets them.
            log.warning("token_purge_put_off", why=str(why))
