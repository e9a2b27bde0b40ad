"""Two instances in the place of one: where the tests of a restart kill the service and start it
again, the instance that holds the PBX is killed, and the other one takes it over."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from yarl import URL

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.lab.tcp_proxy import TcpProxy
from tests.pbx.calls.proxied_lab import PING_INTERVAL_S, PING_TIMEOUT_S, ProxiedLab

from .running_cluster import RunningCluster, open_cluster

ACTION_TIMEOUT_S = 2.0


class TakeoverBridge(BridgeProcess):
    """The service, as its client at `http` sees it: whichever instance holds the PBX."""

    def __init__(self, cluster: RunningCluster, http: TcpProxy, holder: str) -> None:
        process = cluster.instances[holder]
        self._cluster = cluster
        self._http = http
        self.state_dir = process.state_dir
        self.base_url = f"http://127.0.0.1:{http.port}"
        self.sip_port = process.sip_port
        self._lead_to(holder)

    async def kill(self) -> None:
        """The holder; nobody holds the PBX when this returns."""
        self._cluster.hit(self._holder, signal.SIGKILL)
        self._http.cut()

    async def stop(self) -> None:
        """As Ctrl-C does; the exit code must be 0."""
        await self._cluster.instances[self._holder].stop()
        self._cluster.ended.add(self._holder)
        self._http.cut()

    async def start(self, *, wait_ready: bool = True) -> None:
        """Returns when the other instance has the PBX, and the first one runs again."""
        self._lead_to(await self._cluster.holder())
        await self._cluster.ensure_running()

    async def wait_ready(self, time_limit_s: float = 40.0) -> None:
        await self._cluster.holder()

    def log_text(self) -> str:
        return "".join(x.log_text() for x in self._cluster.instances.values())

    def log_lines(self, level: str = "") -> list[dict[str, object]]:
        return [y for x in self._cluster.instances.values() for y in x.log_lines(level)]

    def _lead_to(self, holder: str) -> None:
        self._holder = holder
        self._http.server_port = URL(self._cluster.instances[holder].base_url).port or 0


class TakeoverLab(RunningLab):
    """Implements KeepsElsewhere."""

    def __init__(self, cluster: RunningCluster, bridge: TakeoverBridge) -> None:
        super().__init__(cluster.asterisk, bridge)
        self._cluster = cluster

    def client(self, client_id: str = "user-12") -> ApiClient:
        return self.bridge.client(client_id)

    def rows(self, query: str, call_id: str) -> Sequence[Sequence[Any]]:
        """From another thread, as the tests ask in the middle of a coroutine."""
        asked = self._cluster.rows(query.replace("?", "$1"), call_id)
        with ThreadPoolExecutor(1) as thread:
            found = thread.submit(asyncio.run, asked).result()
        return [tuple(x.values()) for x in found]


@asynccontextmanager
async def open_takeover_lab(folder: Path) -> AsyncIterator[ProxiedLab]:
    settings = {
        "ping_interval_s": str(PING_INTERVAL_S),
        "ping_timeout_s": str(PING_TIMEOUT_S),
        "action_timeout_s": str(ACTION_TIMEOUT_S),
        "stop_notice_s": "0",  # no balancer is there that would have to notice
    }
    http = TcpProxy()
    await http.start()
    try:
        async with open_cluster(folder, ["a", "b"], settings) as cluster:
            bridge = TakeoverBridge(cluster, http, "a")
            yield ProxiedLab(TakeoverLab(cluster, bridge), cluster.ami)
    finally:
        await http.stop()
