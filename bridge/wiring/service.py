"""Wiring of an instance: the parts that all nodes share, the nodes, and HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import structlog

from bridge.access.one_time_codes import OneTimeCodes
from bridge.access.password_sign_in import PasswordSignIn
from bridge.access.shared_codes import LocalCodes
from bridge.access.token_service import TokenService
from bridge.access.verba_access import VerbaAccess
from bridge.access.verba_token_store import VerbaTokenStore
from bridge.calls.store.call_store import CallStore
from bridge.config.secrets_file import SecretSource
from bridge.config.settings import Settings
from bridge.config.state_folder import open_secrets
from bridge.directory.changes import changes
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.faults import StorageUnavailable
from bridge.http import application
from bridge.http.context import Services
from bridge.http.node_services import HeldNodes
from bridge.http.server import close_http, start_http
from bridge.http.uapi.stream.places import StreamPlaces
from bridge.http.uapi.stream.reader_watch import ReaderWatch
from bridge.metrics.exposition import exposition
from bridge.phone_call_events.service import PhoneCallEvents
from bridge.storage.row_writer import RowWriter
from bridge.storage.write_queue import WriteQueue
from bridge.supervision.tasks import supervisor
from bridge.tracing.traces import NO_TRACES
from bridge.wiring.database_wait import DatabaseWait
from bridge.wiring.http import http_settings, server_settings
from bridge.wiring.metrics import gauges, serve_metrics
from bridge.wiring.node import Node
from bridge.wiring.pbx import has_several_edges
from bridge.wiring.rounds import Purges, begin_purges
from bridge.wiring.shared_parts import SharedParts, open_shared_parts

log = structlog.get_logger()

# A person points a phone at a QR code meanwhile.
PROVISIONING_S = 600.0

# A node that was taken over is linked within half a second. If its PBX is away, its calls are
# listed, and creates are refused with the reason, after this time.
LINKED_WITHIN_S = 2.0


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
            self.directory = CurrentDirectory(
                settings.directory_file or EXAMPLE_FILE,
                self.secrets,
                several_edges=has_several_edges(settings),
            )
        self.sign_in_codes = OneTimeCodes[str](settings.console_link_s)
        self.nodes: dict[str, Node] = {}
        self._held = HeldNodes()
        self._stack = AsyncExitStack()
        self._wait = DatabaseWait(settings)
        self._reloading = asyncio.Lock()
        self._shared: SharedParts

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
        settings, stack = self.settings, self._stack
        own = None if settings.instance_name else self.directory
        shared = self._shared = await open_shared_parts(stack, settings, own)
        self.secrets, self.directory = shared.secrets, shared.directory
        several, queue = shared.several, shared.queue
        if several is not None:
            several.memory.keep_up(stack, shared.tokens, shared.events, self.reload)
        verba_access = VerbaAccess(
            self.directory,
            VerbaTokenStore(shared.engine, queue),
            settings.verba_token_lifetime_s,
            shared.now_ms,
        )
        password_sign_in = PasswordSignIn(self.directory)
        stack.callback(password_sign_in.stop)
        records = CallStore(shared.engine, queue, shared.answers)
        services = Services(
            settings=http_settings(settings),
            nodes=self._held,
            directory=self.directory,
            tokens=shared.tokens,
            password_sign_in=password_sign_in,
            sign_in_codes=self.sign_in_codes,
            provisioning_codes=(
                LocalCodes(PROVISIONING_S)
                if several is None
                else several.codes(queue, PROVISIONING_S)
            ),
            stream_places=StreamPlaces(
                settings.call_streams_max, settings.call_streams_per_app_max
            ),
            stream_readers=ReaderWatch(),
            records=records,
            call_details=records,
            timelines=records,
            keyed_answers=shared.keyed_answers,
            phone_call_events=shared.events,
            verba_access=verba_access,
            storage_problem=lambda: queue.problem,
            supervisor=supervisor(),
            metrics=exposition(
                shared.metrics,
                gauges(
                    shared.metrics,
                    lambda: services,
                    queue,
                    self.nodes.values,
                    None if several is None else several.leases,
                ),
            ),
            instance_health=None if several is None else several.health(self._held),
            traces=shared.traces,
        )
        stack.push_async_callback(self._end_nodes)
        purges = self._purges(records, verba_access)
        if several is None:
            await self.begin_node(settings, queue)
            begin_purges(stack, "purge", purges)
        else:
            purges = {**purges, **several.purges(queue)}
            begin_purges(stack, "purge", purges, several.may_purge, shared.now_ms)
        # Each instance has tokens in memory.
        begin_purges(stack, "purge_tokens", {"tokens": lambda _: shared.tokens.purge()})
        app = application.make_application(services)
        if several is not None:
            await several.surround(stack, app, services, queue)
        await serve_metrics(stack, settings, services.metrics)
        seen = None if shared.traces is NO_TRACES else shared.traces
        # Only now: while nobody listens, a supervisor could take the service for dead.
        kept = await self._wait.make_way()
        for listening in kept:
            stack.callback(listening.close)
        runner = await start_http(app, server_settings(settings), shared.metrics, seen, kept)
        stack.push_async_callback(close_http, runner)
        if several is not None:
            several.begin(stack, self, queue)

    @property
    def tokens(self) -> TokenService:
        """Once it is started."""
        return self._shared.tokens

    @property
    def events(self) -> PhoneCallEvents:
        """Once it is started."""
        return self._shared.events

    @property
    def write_queue(self) -> WriteQueue:
        """Once it is started."""
        return self._shared.queue

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
        if may_act is not None:  # requests for it wait, here and at the other instances
            await node.wait_until_linked(LINKED_WITHIN_S)
        if not node.is_cut:
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
        return {
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

    async def give_notice(self, hurry: asyncio.Event) -> None:
        """Before the end: have clients go to the other instances, in the time of the setting.

        `hurry` ends it at once. An instance that is alone does nothing.
        """
        if (several := self._shared.several) is not None:
            await several.give_notice(hurry)

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
