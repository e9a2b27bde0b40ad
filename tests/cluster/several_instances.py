"""Several instances in this process, over one PostgreSQL, each with PBXs that scripts play."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.calls.live import switchboard
from bridge.calls.state.phone_call import PhoneCall
from bridge.calls.store.call_store import CallStore
from bridge.cluster.calls_away import CallsAway
from bridge.cluster.pbx_names import Placements
from bridge.cluster.shared_clock import SharedClock, database_moment_ms
from bridge.config.settings import Settings
from bridge.http.context import Services
from bridge.http.node_services import HeldNodes
from bridge.http.uapi.stream.places import StreamPlaces
from bridge.storage.fence import Fence
from bridge.storage.fenced_writes import FencedWrites
from bridge.storage.write_queue import WriteQueue
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.lab.tcp_proxy import TcpProxy
from bridge.wiring.forwarding import open_forwarding
from bridge.wiring.held_pbxs import NodeHolder
from bridge.wiring.service import Service
from bridge.wiring.several import Several as Parts
from bridge.wiring.shared_memory import SharedMemory, open_shared_directory
from tests.cluster.shared_leases import LeasesOf, SharedLeases
from tests.scripted_ami.server import ScriptedAmi

CLUSTER_SECRET = "a secret that all instances of these tests share"
HOME = {"0003": "one", "0004": "two"}


class ByOrganization:
    """Two PBXs; the organizations of the shipped directory are shared out."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)

    @property
    def pbx_names(self) -> tuple[str, ...]:
        return self._names

    def pbx_of_organization(self, organization: str) -> str:
        home = HOME.get(organization, self._names[0])
        return home if home in self._names else self._names[0]


class LeasesOfATest(Parts):
    """The parts of an instance of several, whose leases the test gives: it delivers all events."""

    def deliveries(self, queue: WriteQueue) -> Any:
        return None

    def health(self, nodes: HeldNodes) -> Any:
        return None

    async def surround(
        self, stack: AsyncExitStack, app: web.Application, services: Services, queue: WriteQueue
    ) -> None:
        keeper: Any = self.leases.keeper
        await keeper.surround(stack, app, services, queue)

    def begin(self, stack: AsyncExitStack, holder: NodeHolder, queue: WriteQueue) -> None:
        """The test begins its nodes."""


class OneOfSeveral(Service):
    """An instance whose leases the test gives."""

    def __init__(self, settings: Settings, leases: LeasesOf, placements: Placements) -> None:
        super().__init__(settings)
        self.leases = leases
        self.forward_secret = settings.cluster_secret
        """Another one: an instance that was started with another cluster secret."""
        self.told_fenced: Callable[[Fence], object] = lambda _: None
        """Hears what the database has refused."""
        self._placements = placements
        self.memory: SharedMemory
        self.stream_places: StreamPlaces
        self.remotes: list[str | None] = []
        """The addresses of the clients whose requests its handlers have seen."""

    @property
    def engine(self) -> AsyncEngine:
        return self._shared.engine

    async def __aenter__(self) -> Service:
        with patch("bridge.wiring.several.open_several", self._open_several):
            await super().__aenter__()
        return self

    async def _open_several(
        self, stack: AsyncExitStack, settings: Settings, engine: AsyncEngine
    ) -> LeasesOfATest:
        self.memory = SharedMemory(engine, None)
        await self.memory.start(stack)
        directory = await asyncio.to_thread(
            open_shared_directory, settings, self.memory.clock.now_ms
        )
        keeper = SimpleNamespace(
            fenced=lambda x: self.told_fenced(x),
            counts=dict,
            held=lambda _: None,
            surround=self._surround,
        )
        leases: Any = SimpleNamespace(keeper=keeper, hints=None)
        return LeasesOfATest(settings, engine, leases, self.memory, directory, CallsAway())

    async def _surround(
        self, stack: AsyncExitStack, app: web.Application, services: Services, queue: WriteQueue
    ) -> None:
        self.stream_places = services.stream_places
        surround = await open_forwarding(
            stack,
            self.settings.model_copy(update={"cluster_secret": self.forward_secret}),
            services,
            self.engine,
            self.leases,
            self._placements,
            queue.caught_up,
            self.memory,
            self.leases,
        )
        surround(app)

        @web.middleware
        async def seeing(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.remotes.append(request.remote)
            return await handler(request)

        app.middlewares.append(seeing)


@dataclass
class Several:
    """`relays`: before each instance, on the way from the others. `amis`: by the name of a PBX."""

    leases: SharedLeases
    instances: dict[str, OneOfSeveral]
    relays: dict[str, TcpProxy]
    amis: dict[str, ScriptedAmi]
    settings: dict[str, Settings] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def base_url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.settings[name].http_port}"

    def relay_url(self, name: str) -> str:
        """Where the others reach that instance."""
        return f"http://127.0.0.1:{self.relays[name].port}"

    async def client(self, name: str, client_id: str = "user-12") -> ApiClient:
        apps = self.instances[name].directory.directory.apps
        client = ApiClient(self.base_url(name), client_id, apps[client_id].client_secret)
        return await self._stack.enter_async_context(client)

    def originates(self, pbx: str) -> int:
        return len(self.amis[pbx].actions("Originate"))

    async def clock(self, name: str) -> SharedClock:
        """As that instance has it."""
        clock = SharedClock(partial(database_moment_ms, self.instances[name].engine))
        await clock.set()
        return clock

    async def store(self, name: str, call: PhoneCall) -> None:
        """As a holder would have written it."""
        service = self.instances[name]
        await CallStore(service.engine, service.write_queue).accept(call)

    def live_calls(self, name: str, pbx: str) -> list[PhoneCall]:
        """As the node of that instance has them."""
        return list(self.instances[name].nodes[pbx].switchboard.calls.live)

    async def hold(self, pbx: str, name: str) -> None:
        """Give the lease, and begin the node; another instance has ended its node before."""
        self.leases.give(pbx, name)
        await self.begin(pbx, name)

    async def begin(self, pbx: str, name: str, fence: Fence | None = None) -> None:
        """With a fence, the database decides about each write of the node."""
        service, ami = self.instances[name], self.amis[pbx]
        settings = self.settings[name].model_copy(
            update={"pbx_name": pbx, "ami_port": ami.port, "ami_secret": SecretStr(ami.secret)}
        )
        queue = service.write_queue
        writes = queue if fence is None else FencedWrites(queue, lambda: fence)
        await service.begin_node(settings, writes)
        await eventually(lambda: service.nodes[pbx].link.link.up, timeout=20)


@asynccontextmanager
async def several_instances(
    folder: Path,
    database_url: str,
    names: Sequence[str] = ("a", "b"),
    pbx_names: Sequence[str] = ("one",),
    secrets: dict[str, str] | None = None,
    **settings: object,
) -> AsyncIterator[Several]:
    """`secrets`: cluster secrets of instances that have another one."""
    async with AsyncExitStack() as stack:
        amis = {x: await stack.enter_async_context(ScriptedAmi()) for x in pbx_names}
        relays: dict[str, TcpProxy] = {}
        leases = SharedLeases(lambda x: f"http://127.0.0.1:{relays[x].port}")
        several = Several(leases, {}, relays, amis, _stack=stack)
        for name in names:
            relays[name] = relay = TcpProxy()
            await relay.start()
            stack.push_async_callback(relay.stop)
            values = {
                "instance_name": name,
                "instance_url": f"http://127.0.0.1:{relay.port}",
                "cluster_secret": SecretStr(CLUSTER_SECRET),
                "database_url": database_url,
                "state_dir": folder / "state",
                "http_port": free_http_port(),
                "pbx_host": "127.0.0.1",
                "ami_recording_secret": SecretStr("recording"),
                "ari_port": free_http_port(),  # nothing listens there
                "provision_phones": False,
                "refuse_unreachable_sources": False,
                "verba_lookup_sleep_ms": 0,
                **settings,
            }
            several.settings[name] = Settings.model_validate(values)
            service = several.instances[name] = OneOfSeveral(
                several.settings[name], LeasesOf(leases, name), ByOrganization(pbx_names)
            )
            if name in (secrets or {}):
                service.forward_secret = SecretStr((secrets or {})[name])
            await stack.enter_async_context(service)
            relay.server_port = several.settings[name].http_port
            leases.names.append(name)
        # The script has no channel that its answer could overtake.
        with patch.object(switchboard, "ORIGINATE_OVERTAKES_S", 0.0):
            yield several
