"""All of it on one machine: PostgreSQL, the edge, nodes, instances, and HAProxy in front."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlalchemy.engine import make_url

from bridge.cluster.edge.tables import make_edge_tables
from bridge.cluster.shared_secrets import SharedSecrets
from bridge.config.secrets_file import (
    AMI_RECORDING_SECRET,
    AMI_SECRET,
    ARI_SECRET,
    sip_secret_name,
)
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.local_asterisk.local_asterisk import LocalAsterisk
from bridge.storage.cluster_tables import placements
from bridge.storage.engine import open_engine
from bridge.storage.migrate import migrate
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.lab.plain_ami import PlainAmi
from bridge.testing.lab.tcp_proxy import TcpProxy
from bridge.testing.softphones.plain_phone import PlainPhone
from bridge.testing.softphones.softphone import Softphone
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .cluster import EDGE_ADDRESS, libpq_environment, node_asterisk
from .haproxy import HaProxy
from .kamailio import KamailioEdge
from .registered_phone import registered
from .rows import rows_of

CLUSTER_SECRET = "for the instances on this machine, and nobody else"

_START_LIMIT_S = 60.0


@dataclass
class WholeCluster:
    """`url`: where HAProxy takes requests."""

    url: str
    edge: KamailioEdge
    nodes: Sequence[LocalAsterisk]
    instances: Sequence[WholeInstance]
    secrets: SharedSecrets
    database_url: str

    def client(self, client_id: str = "user-12") -> ApiClient:
        """An app that asks whichever instance HAProxy gives it."""
        return self.client_at(self.url, client_id)

    def client_at(self, url: str, client_id: str = "user-12") -> ApiClient:
        """An app that asks the instance there."""
        return ApiClient(url, client_id, self.secrets.get_or_create(f"app/{client_id}"))

    @asynccontextmanager
    async def ami(self, node: LocalAsterisk) -> AsyncIterator[PlainAmi]:
        """A session beside that of the holder, which sees what the holder sees."""
        ami, ports = PlainAmi(), node.ports
        secret = self.secrets.get_or_create(AMI_SECRET)
        await ami.open(ports.management_address, ports.ami, "bridge", secret)
        try:
            yield ami
        finally:
            await ami.close()

    @asynccontextmanager
    async def phone(self, number: str) -> AsyncIterator[PlainPhone]:
        """A phone that the test speaks SIP with; it is registered at the edge."""
        password = self.secrets.get_or_create(sip_secret_name(number))
        async with registered(PlainPhone(number, password, self.edge.address)) as phone:
            yield phone

    async def rows(self, query: str, *values: object) -> Sequence[Mapping[str, Any]]:
        """What the database has now."""
        return await rows_of(self.database_url, query, *values)

    def softphone(self, number: str) -> Softphone:
        """It registers at the edge, and answers."""
        host, port = self.edge.address
        password = self.secrets.get_or_create(sip_secret_name(number))
        return Softphone(number, password, server=host, port=port, answer="auto")


class WholeInstance(BridgeProcess):
    """One that has several PBXs, in place of the one of a lab."""

    def __init__(self, state: Path, nodes: Sequence[LocalAsterisk], settings: dict[str, str]):
        port = free_http_port()
        own = {
            **settings,
            "instance_name": state.name,
            "instance_url": f"http://127.0.0.1:{port}",
            "pbx": json.dumps([_entry(x) for x in nodes]),
        }
        super().__init__(state, nodes[0].ports, port, own)
        self.port = port
        for one_pbx in ("pbx_host", "ami_port", "ari_port", "phone_media_address"):
            del self._settings[one_pbx]

    @property
    def settings_file(self) -> Path:
        """For BRIDGE_SETTINGS_FILE, once `write_settings_file` has been called."""
        return self.state_dir / "settings.toml"

    def write_settings_file(self) -> None:
        """So that a person can ask with the commands, and start this instance again."""
        of_pbxs = json.loads(self._settings["pbx"])
        lines = [f"{k} = {json.dumps(v)}" for k, v in self._settings.items() if k != "pbx"]
        for pbx in of_pbxs:
            lines += ["", "[[pbx]]", *(f"{k} = {json.dumps(v)}" for k, v in pbx.items())]
        self.settings_file.write_text("\n".join(lines) + "\n")

    async def started(self) -> None:
        """Start, with the time that several that start at once may need on a busy machine."""
        await self.start(wait_ready=False)
        await self.wait_ready(_START_LIMIT_S)


def _entry(node: LocalAsterisk) -> dict[str, object]:
    ports = node.ports
    return {
        "name": node.pbx.folder.parent.name,
        "host": ports.management_address,
        "ami_port": ports.ami,
        "ari_port": ports.http,
        "phone_media_address": ports.bind_address,
        "queues_file": str(node.queues_file),
    }


@asynccontextmanager
async def open_whole_cluster(
    folder: Path,
    postgresql: PrivatePostgresql,
    *,
    nodes: int = 3,
    instances: int = 3,
    edge_port: int = 5060,
    http_port: int = 8080,
    public_network: bool = True,
    homes: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
    through: TcpProxy | None = None,
) -> AsyncIterator[WholeCluster]:
    """All of it runs, and every instance says that it is ready.

    `homes`: the nodes of organizations; `settings`: of all instances, as of BridgeProcess;
    `through`: a way to the database, which the test leads elsewhere.
    """
    url = postgresql.new_database()
    if through is not None:
        through.server_path = postgresql.socket
        parsed = make_url(url).set(host="127.0.0.1", port=through.port, query={})
        url = parsed.render_as_string(hide_password=False)
    engine = open_engine(url)
    await migrate(engine)
    await make_edge_tables(engine)
    if homes:
        rows = [{"organization": o, "pbx": n, "version": 1} for o, n in homes.items()]
        async with engine.begin() as connection:
            await connection.execute(insert(placements), rows)
    await engine.dispose()
    secrets = await asyncio.to_thread(_secrets, url)
    address = (EDGE_ADDRESS, edge_port)
    asterisks = [
        await node_asterisk(folder, number, address, secrets, public_network=public_network)
        for number in range(1, nodes + 1)
    ]
    sip = {f"node{n}": (x.ports.bind_address, x.ports.sip) for n, x in enumerate(asterisks, 1)}
    behind = {"EDGE_INSTANCES": "127.0.0.1"}
    edge = KamailioEdge(folder / "edge", address, sip, libpq_environment(url), behind)
    of_all = {
        "database_url": url,
        "cluster_secret": CLUSTER_SECRET,
        "edge_address": f"{address[0]}:{address[1]}",
        "events_private_targets": "true",
        **(settings or {}),
    }
    running = [WholeInstance(folder / f"i{n}", asterisks, of_all) for n in range(1, instances + 1)]
    proxy = HaProxy(folder, ("127.0.0.1", http_port), [("127.0.0.1", x.port) for x in running])
    async with AsyncExitStack() as stack:
        stack.push_async_callback(edge.stop)
        stack.push_async_callback(proxy.stop)
        async with asyncio.TaskGroup() as group:
            group.create_task(edge.start())
            for asterisk in asterisks:
                stack.push_async_callback(asterisk.stop)
                group.create_task(asterisk.start())
        async with asyncio.TaskGroup() as group:
            for instance in running:
                stack.push_async_callback(instance.kill)
                group.create_task(instance.started())
        await proxy.start()
        yield WholeCluster(proxy.url, edge, asterisks, running, secrets, url)


def _secrets(url: str) -> SharedSecrets:
    """Those of apps and phones are made by reading the directory with them."""
    secrets = SharedSecrets.open(url, CLUSTER_SECRET)
    CurrentDirectory(EXAMPLE_FILE, secrets)
    secrets.get_or_create_all([AMI_SECRET, AMI_RECORDING_SECRET, ARI_SECRET])
    return secrets
