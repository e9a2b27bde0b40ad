"""All of it on one machine: PostgreSQL, the edge, nodes, instances, and HAProxy in front."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]

from bridge.cluster.edge.tables import make_edge_tables
from bridge.cluster.shared_secrets import SharedSecrets
from bridge.config.secrets_file import sip_secret_name
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.local_asterisk.local_asterisk import LocalAsterisk
from bridge.storage.engine import open_engine
from bridge.storage.migrate import migrate
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.softphones.softphone import Softphone
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .cluster import EDGE_ADDRESS, libpq_environment, node_asterisk
from .haproxy import HaProxy
from .kamailio import KamailioEdge

CLUSTER_SECRET = "for the instances on this machine, and nobody else"


@dataclass
class WholeCluster:
    """`url`: where HAProxy takes requests."""

    url: str
    edge: KamailioEdge
    nodes: Sequence[LocalAsterisk]
    instances: Sequence[BridgeProcess]
    secrets: SharedSecrets
    database_url: str

    def client(self, client_id: str = "user-12") -> ApiClient:
        """An app that asks whichever instance HAProxy gives it."""
        return ApiClient(self.url, client_id, self.secrets.get_or_create(f"app/{client_id}"))

    async def rows(self, query: str, *values: object) -> Sequence[Mapping[str, Any]]:
        """What the database has now."""
        url = self.database_url.replace("postgresql+asyncpg://", "postgresql://")
        connection = await asyncpg.connect(url)
        try:
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close()

    def softphone(self, number: str) -> Softphone:
        """It registers at the edge, and answers."""
        host, port = self.edge.address
        password = self.secrets.get_or_create(sip_secret_name(number))
        return Softphone(number, password, server=host, port=port, answer="auto")


class _Instance(BridgeProcess):
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
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[WholeCluster]:
    """All of it runs, and every instance says that it is ready. `settings`: of all instances."""
    url = postgresql.new_database()
    engine = open_engine(url)
    await migrate(engine)
    await make_edge_tables(engine)
    await engine.dispose()
    secrets = await asyncio.to_thread(_secrets, url)
    address = (EDGE_ADDRESS, edge_port)
    asterisks = [
        await node_asterisk(folder, number, address, secrets, public_network=public_network)
        for number in range(1, nodes + 1)
    ]
    sip = {f"node{n}": (x.ports.bind_address, x.ports.sip) for n, x in enumerate(asterisks, 1)}
    edge = KamailioEdge(folder / "edge", address, sip, libpq_environment(url))
    of_all = {
        "database_url": url,
        "cluster_secret": CLUSTER_SECRET,
        "edge_address": f"{address[0]}:{address[1]}",
        "events_private_targets": "true",
        **(settings or {}),
    }
    running = [_Instance(folder / f"i{n}", asterisks, of_all) for n in range(1, instances + 1)]
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
                group.create_task(instance.start())
        await proxy.start()
        yield WholeCluster(proxy.url, edge, asterisks, running, secrets, url)


def _secrets(url: str) -> SharedSecrets:
    """Those of apps and phones are made by reading the directory with them."""
    secrets = SharedSecrets.open(url, CLUSTER_SECRET)
    CurrentDirectory(EXAMPLE_FILE, secrets)
    return secrets
