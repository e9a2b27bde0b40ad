"""Instances as processes over one PostgreSQL, with PBXs that scripts play."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bridge.cluster.edge.tables import make_edge_tables
from bridge.local_asterisk.ports import AsteriskPorts
from bridge.storage.engine import open_engine
from bridge.storage.migrate import migrate
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.lab.free_port import free_http_port
from tests.bench.bare_http import BareHttp
from tests.bench.directory_file import CLIENT_SECRET
from tests.bench.process_cost import cpu_ms
from tests.bench.scripted_pbx import ScriptedPbx
from tests.bench.stage import UNLIMITED
from tests.integration.storage.lease_rows import connected
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .organizations import Organization
from .scripted_ari import ScriptedAri

SECRET = "for the instances of one measurement, and nobody else"
_START_LIMIT_S = 300.0
_HELD_LIMIT_S = 120.0


class Instance(BridgeProcess):
    """One instance, or a service that is alone."""

    http: BareHttp
    """Requests without a token."""

    def __init__(self, folder: Path, port: int, settings: Mapping[str, str]) -> None:
        super().__init__(folder, AsteriskPorts(ami=0, http=0), port, settings)
        self.name = folder.name
        self.port = port
        if "pbx" in settings:
            for of_one_pbx in ("pbx_host", "ami_port", "ari_port", "phone_media_address"):
                del self._settings[of_one_pbx]

    async def health(self) -> dict[str, Any]:
        _, body = await self.http.request("GET", "/health/ready")
        found: dict[str, Any] = json.loads(body)
        return found

    async def holds(self) -> int:
        """So many PBXs, on each of which calls can be placed."""
        told = (await self.health()).get("pbxs", ())
        return sum(x["holder"] == self.name and x["up"] for x in told)


class ScriptedCluster:
    """`pbxs` by name, `homes`: the PBX of each organization by its prefix."""

    def __init__(
        self,
        folder: Path,
        server: PrivatePostgresql,
        database_url: str,
        pbxs: Mapping[str, ScriptedPbx],
        aris: Sequence[ScriptedAri],
        all_organizations: Sequence[Organization],
        settings: Mapping[str, str],
    ) -> None:
        self.folder = folder
        self._server = server
        self.database_url = database_url
        self.pbxs = pbxs
        self.aris = aris
        self.organizations = all_organizations
        names = itertools.cycle(pbxs)
        self.homes = {x.prefix: next(names) for x in all_organizations}
        self.instances: dict[str, Instance] = {}
        self._settings = settings
        self._clients: dict[tuple[str, str], BareHttp] = {}
        self._turns = itertools.count()

    async def start(self, name: str = "", *, wait_ready: bool = True) -> Instance:
        """Start an instance of that name; without one, a service that is alone."""
        port = free_http_port()
        ports = [
            {"host": "127.0.0.1", "ami_port": pbx.ami.port, "ari_port": ari.port}
            for pbx, ari in zip(self.pbxs.values(), self.aris, strict=True)
        ]
        own = {**self._settings, "database_url": self.database_url}
        if name:
            entries = [{"name": x, **y} for x, y in zip(self.pbxs, ports, strict=True)]
            own |= {
                "instance_name": name,
                "instance_url": f"http://127.0.0.1:{port}",
                "cluster_secret": SECRET,
                "pbx": json.dumps(entries),
            }
        else:
            own |= {x: str(y) for x, y in ports[0].items() if x != "host"}
        made = Instance(self.folder / (name or "alone"), port, own)
        made.http = BareHttp("127.0.0.1", port, "")
        self.instances[name] = made
        await made.start(wait_ready=False)
        if wait_ready:
            await made.wait_ready(_START_LIMIT_S)
        return made

    async def kill(self, name: str) -> None:
        """kill -9"""
        await self.instances.pop(name).kill()

    async def stop_one(self, name: str) -> None:
        """As Ctrl-C does: it releases what it holds."""
        await self.instances.pop(name).stop()

    async def stop(self) -> None:
        for client in self._clients.values():
            await client.close()
        for instance in self.instances.values():
            await instance.http.close()
            with contextlib.suppress(ProcessLookupError):
                await instance.kill()

    async def settled(self) -> None:
        """Until each instance holds its share of the PBXs."""
        least = len(self.pbxs) // max(1, len(self.instances))

        async def shared_out() -> bool:
            held = [await x.holds() for x in self.instances.values()]
            return sum(held) == len(self.pbxs) and min(held) >= least

        await eventually(shared_out, _HELD_LIMIT_S)

    async def live_calls(self) -> int:
        """As all instances together know them."""
        return sum([(await x.health())["liveCalls"] for x in self.instances.values()])

    async def wait_live_calls(self, count: int, limit_s: float = _HELD_LIMIT_S) -> None:
        async def so_many() -> bool:
            return await self.live_calls() == count

        await eventually(so_many, limit_s)

    async def final_records(self) -> int:
        """Of ended calls, in the database."""
        async with connected(self.database_url) as connection:
            query = "SELECT count(*) FROM calls WHERE ended_ms IS NOT NULL"
            return int(await connection.fetchval(query))

    async def client(self, organization: Organization, instance: str = "") -> BareHttp:
        """With a token, at that instance; without a name at each instance in turn."""
        names = list(self.instances)
        name = instance or names[next(self._turns) % len(names)]
        key = (organization.client_id, name)
        if key not in self._clients:
            asked = self.instances[name]
            async with ApiClient(asked.base_url, organization.client_id, CLIENT_SECRET) as api:
                token = await eventually(partial(_token, api), _HELD_LIMIT_S)
            self._clients[key] = BareHttp(
                "127.0.0.1", asked.port, f"Authorization: Bearer {token}\r\n"
            )
        return self._clients[key]

    async def order(self, organization: Organization, source: str, destination: str) -> str:
        """POST a call between two of its phones at the next instance; returns its id."""
        source, destination = (x.partition("*")[2] for x in (source, destination))
        call = {
            "extension": source,
            "phoneCallView": [{"source": [source], "destination": [destination]}],
        }
        client = await self.client(organization)
        path = "/uapi/phoneCalls/@me/simple"
        status, answer = await client.request("POST", path, json.dumps(call).encode())
        assert status == 202, answer
        return str(json.loads(answer)[0]["id"])

    def cpu_ms(self) -> dict[str, float]:
        """Until now, of the instances and of the database."""
        backends = {f"backend {x}": cpu_ms(x) for x in self._server.backends(self.database_url)}
        return {x: cpu_ms(y.pid) for x, y in self.instances.items()} | backends


@asynccontextmanager
async def open_scripted_cluster(
    folder: Path,
    server: PrivatePostgresql,
    pbxs: Sequence[ScriptedPbx],
    all_organizations: Sequence[Organization],
    settings: Mapping[str, str],
    *,
    aris: Sequence[ScriptedAri] = (),
) -> AsyncIterator[ScriptedCluster]:
    """No instance runs yet. Organizations are on the PBXs in turn."""
    folder.mkdir()
    url = server.new_database()
    engine = open_engine(url)
    await migrate(engine)
    if "edge_address" in settings:
        await make_edge_tables(engine)
    await engine.dispose()
    async with AsyncExitStack() as stack:
        for pbx in pbxs:
            await stack.enter_async_context(pbx.ami)
        aris = aris or [ScriptedAri({}, "") for _ in pbxs]
        for ari in aris:
            await stack.enter_async_context(ari)
        cluster = ScriptedCluster(
            folder,
            server,
            url,
            {f"pbx{number}": x for number, x in enumerate(pbxs, 1)},
            aris,
            all_organizations,
            {
                **UNLIMITED,
                "directory_file": str(folder.parent / "directory.yaml"),
                "ami_secret": pbxs[0].ami.secret,
                "ami_recording_secret": "recording",
                "ari_secret": "of-ari",
                "recording": "false",
                **settings,
            },
        )
        async with connected(url) as connection:
            await connection.executemany(
                "INSERT INTO placements (organization, pbx, version) VALUES ($1, $2, 1)",
                list(cluster.homes.items()),
            )
        stack.push_async_callback(cluster.stop)
        yield cluster


async def _token(api: ApiClient) -> str:
    """Empty where the database is too busy to keep one."""
    with contextlib.suppress(AssertionError):
        return await api.authenticate()
    return ""


async def in_turns_of(makers: Sequence[Any]) -> None:
    """A few processes start at a time: two cores are busy with two."""
    for begin in range(0, len(makers), 2):
        await asyncio.gather(*(make() for make in makers[begin : begin + 2]))
