"""Instances as their users run them, over one private PostgreSQL and one real Asterisk."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp

from bridge.cluster.shared_secrets import SharedSecrets
from bridge.config.secrets_file import AMI_RECORDING_SECRET, AMI_SECRET, ARI_SECRET
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.local_asterisk.local_asterisk import AsteriskSecrets
from bridge.local_asterisk.ports import RTP_BLOCK
from bridge.storage.engine import open_engine
from bridge.storage.migrate import migrate
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.lab.installation import test_installation
from bridge.testing.lab.public_network import CallableAsterisk
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.lab.tcp_proxy import TcpProxy
from bridge.testing.softphones.toolchain import ensure_phone_tools
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .lab.rows import rows_of

PBX = "pbx1"
SECRET = "for the instances of one test, and nobody else"

# After a kill: 5 s until the lease is free, 1 s until somebody looks, and the first list.
TAKEN_OVER_WITHIN_S = 8.0

_START_LIMIT_S = 60.0


@dataclass(frozen=True)
class Held:
    """Who holds the PBX, as an instance says."""

    holder: str
    epoch: int
    up: bool


@dataclass
class RunningCluster:
    """`instances` by name; each has a lab, whose phones register at the one Asterisk.

    `ami`: a proxy between all instances and Asterisk's AMI.
    """

    asterisk: CallableAsterisk
    postgresql: PrivatePostgresql
    database_url: str
    ami: TcpProxy
    instances: dict[str, BridgeProcess] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)

    def lab(self, name: str) -> RunningLab:
        return RunningLab(self.asterisk, self.instances[name])

    def client(self, name: str, client_id: str = "user-12") -> ApiClient:
        return self.instances[name].client(client_id)

    def hit(self, name: str, number: signal.Signals) -> float:
        """Send the signal, and wait for nothing; the moment, by the monotonic clock."""
        at_s = time.monotonic()
        os.kill(self.instances[name].pid, number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self.ended.add(name)
        return at_s

    async def held(self, asked: str) -> Held | None:
        """As that instance says; None where it does not answer."""
        url = f"{self.instances[asked].base_url}/health/ready"
        limit = aiohttp.ClientTimeout(total=1.0)
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with aiohttp.ClientSession(timeout=limit) as http, http.get(url) as answer:
                said = await answer.json()
                for pbx in said.get("pbxs", ()):
                    return Held(pbx["holder"], pbx["epoch"], pbx["up"])
        return None

    async def wait_held(self, by: str, *, time_limit_s: float = 40.0) -> Held:
        """Until that instance holds the PBX and can place calls on it."""
        last: Held | None = None

        async def there() -> Held | None:
            nonlocal last
            last = await self.held(by)
            return last if last is not None and last.up and last.holder == by else None

        def why() -> str:
            return f"{by} does not hold it: {last}\n{self.instances[by].log_text()[-3000:]}"

        return await eventually(there, time_limit_s, why=why)

    async def holder(self) -> str:
        """Of the PBX, once somebody holds it and can place calls on it."""

        async def said() -> str:
            for name in set(self.instances) - self.ended:
                held = await self.held(name)
                if held is not None and held.up and held.holder == name:
                    return name
            return ""

        return str(await eventually(said, 20))

    def ami_sessions(self, name: str) -> int:
        """How many connections with the AMI the instance has."""
        process = Path(f"/proc/{self.instances[name].pid}")
        links = [str(x.readlink()) for x in (process / "fd").iterdir()]
        rows = [x.split() for x in (process / "net/tcp").read_text().splitlines()[1:]]
        to_ami = {f"socket:[{x[9]}]" for x in rows if x[2].endswith(f":{self.ami.port:04X}")}
        return len(to_ami.intersection(links))

    async def rows(self, query: str, *values: object) -> Sequence[Mapping[str, Any]]:
        """What the database has now."""
        return await rows_of(self.database_url, query, *values)

    async def ensure_running(self) -> None:
        """Start those that a test has ended."""
        for name in tuple(self.ended):
            await self.instances[name].kill()
            await _started(self.instances[name])
            self.ended.discard(name)


@asynccontextmanager
async def open_cluster(
    folder: Path,
    names: Sequence[str],
    settings: Mapping[str, str] | None = None,
    *,
    rtp_ports: int = RTP_BLOCK,
) -> AsyncIterator[RunningCluster]:
    """All of it runs; the first name holds the PBX. `rtp_ports`: a call takes four."""
    ports = free_asterisk_ports()
    ensure_phone_tools()
    async with contextlib.AsyncExitStack() as stack:
        postgresql = await asyncio.to_thread(PrivatePostgresql)
        stack.callback(postgresql.remove)
        await asyncio.to_thread(postgresql.start)
        database_url = postgresql.new_database()
        secrets = await _secrets(database_url, folder)
        asterisk = CallableAsterisk(
            installation=await test_installation(),
            state_dir=folder / "asterisk",
            ports=replace(ports, rtp_end=ports.rtp_start + rtp_ports - 1),
            secrets=AsteriskSecrets(
                ami_secret=secrets.get_or_create(AMI_SECRET),
                ari_secret=secrets.get_or_create(ARI_SECRET),
                ami_recording_secret=secrets.get_or_create(AMI_RECORDING_SECRET),
            ),
        )
        ami = TcpProxy()
        await ami.start()
        stack.push_async_callback(ami.stop)
        ami.server_port = asterisk.ports.ami
        await asterisk.start()
        stack.push_async_callback(asterisk.stop)
        cluster = RunningCluster(asterisk, postgresql, database_url, ami)
        for name in names:
            process = _instance(cluster, folder, name, settings or {})
            cluster.instances[name] = process
            stack.push_async_callback(process.kill)  # also of one that does not become ready
            await _started(process)
            if name == names[0]:
                await cluster.wait_held(name)
        yield cluster


async def _started(process: BridgeProcess) -> None:
    """Start, with the time that it may need on a busy machine."""
    await process.start(wait_ready=False)
    await process.wait_ready(_START_LIMIT_S)


async def _secrets(database_url: str, folder: Path) -> SharedSecrets:
    """Those that the instances share, as a file as well: clients and phones read it."""
    engine = open_engine(database_url)
    await migrate(engine)
    await engine.dispose()
    secrets = await asyncio.to_thread(SharedSecrets.open, database_url, SECRET)
    CurrentDirectory(EXAMPLE_FILE, secrets)  # makes those of apps and phones
    for name in (AMI_SECRET, ARI_SECRET, AMI_RECORDING_SECRET):
        secrets.get_or_create(name)
    made = secrets.get_or_create_all(secrets.names())
    (folder / "secrets.json").touch(0o600)
    (folder / "secrets.json").write_text(json.dumps(made))
    (folder / "secrets.json").chmod(0o600)
    return secrets


def _instance(
    cluster: RunningCluster, folder: Path, name: str, settings: Mapping[str, str]
) -> BridgeProcess:
    state, port = folder / f"state-{name}", free_http_port()
    state.mkdir(mode=0o700)
    shutil.copy(folder / "secrets.json", state)
    own = {
        "database_url": cluster.database_url,
        "instance_name": name,
        "instance_url": f"http://127.0.0.1:{port}",
        "cluster_secret": SECRET,
        "ami_port": str(cluster.ami.port),
        "queues_file": str(cluster.asterisk.queues_file),
        "events_private_targets": "true",
        **settings,
    }
    return BridgeProcess(state, cluster.asterisk.ports, port, own)
