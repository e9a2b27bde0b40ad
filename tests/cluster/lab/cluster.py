"""PostgreSQL, the edge, and several nodes, each with an Asterisk and a service of its own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from bridge.cluster.edge.tables import make_edge_tables
from bridge.config.secrets_file import (
    AMI_RECORDING_SECRET,
    AMI_SECRET,
    ARI_SECRET,
    SecretsFile,
    SecretSource,
)
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.local_asterisk.local_asterisk import AsteriskSecrets, LocalAsterisk
from bridge.local_asterisk.ports import RTP_BLOCK, AsteriskPorts
from bridge.storage.engine import open_engine
from bridge.storage.migrate import migrate
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.lab.installation import test_installation
from bridge.testing.lab.plain_ami import PlainAmi
from bridge.testing.softphones.plain_phone import PlainPhone
from bridge.testing.softphones.plain_transport import TransportName
from bridge.testing.softphones.ports import free_port
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .kamailio import KamailioEdge
from .registered_phone import registered

EDGE_ADDRESS = "127.0.0.60"
_FURTHER_EDGE = 57
_ADDRESS = "127.0.0.{}"
_FIRST_NODE, _FIRST_NETWORK = 61, 71
_RTP_START = 21_000


@dataclass
class Node:
    name: str
    asterisk: LocalAsterisk
    service: BridgeProcess

    @property
    def sip(self) -> tuple[str, int]:
        return self.asterisk.ports.bind_address, self.asterisk.ports.sip


class Cluster:
    """`nodes` in the order of their names: node1, node2, …"""

    def __init__(
        self,
        engine: AsyncEngine,
        edges: Sequence[KamailioEdge],
        nodes: Sequence[Node],
        secrets: SecretsFile,
    ) -> None:
        self.engine = engine
        self.edge = edges[0]
        self.edges = edges
        self.nodes = nodes
        self._secrets = secrets

    @asynccontextmanager
    async def phone(
        self,
        number: str,
        transport: TransportName = "udp",
        secret: str = "",
        edge: KamailioEdge | None = None,
    ) -> AsyncIterator[PlainPhone]:
        """A phone that is registered at the edge, and leaves it at the end."""
        edge = edge or self.edge
        address = edge.tls_address if transport in ("tls", "wss") else edge.address
        phone = PlainPhone(number, secret or self.secret(number), address, transport)
        async with registered(phone):
            yield phone

    def secret(self, number: str) -> str:
        return self._secrets.get_or_create(f"sip/{number}")

    async def place(self, organization: str, node: str) -> None:
        """Its calls begin there from now on, after at most 2 s."""
        await self.run(
            "INSERT INTO placements (organization, pbx, version) VALUES (:o, :n, 1)"
            " ON CONFLICT (organization) DO UPDATE SET pbx = EXCLUDED.pbx",
            o=organization,
            n=node,
        )

    async def set_edges(self, edges: Sequence[KamailioEdge]) -> None:
        """Restart the service of node1 with these; none: phones register at the PBX."""
        service = self.nodes[0].service
        await service.stop()
        service.set("edge_address", ",".join(":".join(map(str, x.address)) for x in edges))
        await service.start()

    async def run(self, statement: str, **values: object) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(text(statement), values)

    async def rows(self, query: str, **values: object) -> list[Any]:
        async with self.engine.connect() as connection:
            return list((await connection.execute(text(query), values)).all())

    @asynccontextmanager
    async def ami(self, node: Node) -> AsyncIterator[PlainAmi]:
        """A session beside that of the service, which sees what the service sees."""
        ami = PlainAmi()
        ports = node.asterisk.ports
        secret = self._secrets.get_or_create(AMI_SECRET)
        await ami.open(ports.management_address, ports.ami, "bridge", secret)
        try:
            yield ami
        finally:
            await ami.close()


async def ring(ami: PlainAmi, number: str) -> None:
    """Have the phone of that number rung by this node; it hears an echo when it answers."""
    await ami.action(
        "Originate",
        Channel=f"PJSIP/{number}",
        Context="local",
        Exten="0003*00",
        Priority="1",
        Async="true",
    )


def libpq_environment(url: str) -> dict[str, str]:
    """Of a database that is reached through a Unix socket, or through a port of loopback."""
    parsed = make_url(url)
    host = parsed.host or parsed.query["host"]
    assert isinstance(host, str)
    return {
        "PGHOST": host,
        "PGPORT": str(parsed.port or 5432),
        "EDGE_DATABASE_URL": f"postgres://{parsed.username}@/{parsed.database}",
    }


@asynccontextmanager
async def open_cluster(
    folder: Path,
    postgresql: PrivatePostgresql,
    nodes: int = 2,
    settings: Mapping[str, str] | None = None,
    edges: int = 1,
) -> AsyncIterator[Cluster]:
    """All of it runs, and phones may register at any of the edges."""
    url = postgresql.new_database()
    async with AsyncExitStack() as stack:
        engine = open_engine(url)
        await migrate(engine)
        await make_edge_tables(engine)
        await engine.dispose()
        engine = create_async_engine(url, poolclass=NullPool)
        stack.push_async_callback(engine.dispose)
        hosts = [EDGE_ADDRESS, *(_ADDRESS.format(_FURTHER_EDGE + x) for x in range(edges - 1))]
        edge_port = free_port()
        secrets = _shared_secrets(folder)
        made = [
            await _node(folder, number, (hosts, edge_port), url, secrets, settings or {})
            for number in range(1, nodes + 1)
        ]
        made_edges = [
            KamailioEdge(
                folder / f"edge{number}",
                (host, edge_port),
                {x.name: x.sip for x in made},
                libpq_environment(url),
                {"EDGE_NUMBER": str(number)} if edges > 1 else {},
            )
            for number, host in enumerate(hosts)
        ]
        async with asyncio.TaskGroup() as group:
            for edge in made_edges:
                stack.push_async_callback(edge.stop)
                group.create_task(edge.start())
            for node in made:
                stack.push_async_callback(node.asterisk.stop)
                group.create_task(node.asterisk.start())
        async with asyncio.TaskGroup() as group:
            for node in made:
                shutil.copy2(secrets.path, node.service.state_dir)
                stack.push_async_callback(node.service.stop)
                group.create_task(node.service.start())
        yield Cluster(engine, made_edges, made, secrets)


async def node_asterisk(
    folder: Path,
    number: int,
    edge: tuple[str, int],
    secrets: SecretSource,
    *,
    public_network: bool = False,
) -> LocalAsterisk:
    """The Asterisk of `node<number>` behind that edge, not started, on an address of its own.

    `edge`: its address, or several with commas between them, and its port.

    `public_network`: a simulated one of its own, beside it.
    """
    rtp = _RTP_START + RTP_BLOCK * number
    return LocalAsterisk(
        installation=await test_installation(),
        state_dir=folder / f"node{number}",
        ports=AsteriskPorts(
            bind_address=_ADDRESS.format(_FIRST_NODE - 1 + number),
            sip=free_port(),
            http=free_port(),
            ami=free_port(),
            rtp_start=rtp,
            rtp_end=rtp + RTP_BLOCK - 1,
            public_network_address=_ADDRESS.format(_FIRST_NETWORK - 1 + number),
            public_network_sip=free_port(),
        ),
        secrets=AsteriskSecrets(
            ami_secret=secrets.get_or_create(AMI_SECRET),
            ari_secret=secrets.get_or_create(ARI_SECRET),
            ami_recording_secret=secrets.get_or_create(AMI_RECORDING_SECRET),
        ),
        public_network=public_network,
        values={
            "NODE_NAME": f"node{number}",
            "EDGE_ADDRESS": edge[0],
            "EDGE_PORT": str(edge[1]),
        },
    )


async def _node(
    folder: Path,
    number: int,
    edges: tuple[Sequence[str], int],
    database_url: str,
    secrets: SecretsFile,
    settings: Mapping[str, str],
) -> Node:
    name = f"node{number}"
    hosts, edge_port = edges
    asterisk = await node_asterisk(folder, number, (",".join(hosts), edge_port), secrets)
    ports = asterisk.ports
    service = BridgeProcess(
        _new_folder(folder / f"{name}-service"),
        ports,
        free_http_port(),
        {
            "pbx_name": name,
            "database_url": database_url,
            "edge_address": ",".join(f"{host}:{edge_port}" for host in hosts),
            "queues_file": str(asterisk.queues_file),
            **settings,
        },
    )
    return Node(name, asterisk, service)


def _new_folder(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True)
    return folder


def _shared_secrets(folder: Path) -> SecretsFile:
    """All that the directory needs, so that every service has the same."""
    secrets = SecretsFile.open(_new_folder(folder / "shared") / "secrets.json")
    CurrentDirectory(EXAMPLE_FILE, secrets)
    for name in (AMI_SECRET, ARI_SECRET, AMI_RECORDING_SECRET):
        secrets.get_or_create(name)
    return secrets
