"""A lab of its own for tests that break things, its AMI link led through a proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.lab.tcp_proxy import TcpProxy
from bridge.testing.softphones.toolchain import ensure_phone_tools
from tests.pbx.calls.live_calls import wait_no_calls

# A mute link is noticed after interval and time-out.
PING_INTERVAL_S = 0.5
PING_TIMEOUT_S = 3.0
ACTION_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class ProxiedLab:
    lab: RunningLab
    ami: TcpProxy

    async def cut_for_good(self) -> None:
        """Until `restore`; returns when the service has noticed."""
        self.ami.refuses = True
        self.ami.cut()
        await self.lab.bridge.wait_health(503)

    async def restore(self) -> None:
        self.ami.refuses = False
        self.ami.delay_s = 0.0
        self.ami.thaw()
        await self.lab.bridge.wait_ready()


@asynccontextmanager
async def client_of(proxied: ProxiedLab) -> AsyncIterator[ApiClient]:
    """For one test; at its end the link is whole again and no call lives."""
    async with proxied.lab.client() as client:
        await client.authenticate()
        yield client
        await proxied.restore()
        await client.hang_up()
        await wait_no_calls(client)


@asynccontextmanager
async def open_proxied_lab(folder: Path) -> AsyncIterator[ProxiedLab]:
    ensure_phone_tools()
    proxy = TcpProxy()
    await proxy.start()
    settings = {
        "ping_interval_s": str(PING_INTERVAL_S),
        "ping_timeout_s": str(PING_TIMEOUT_S),
        "action_timeout_s": str(ACTION_TIMEOUT_S),
    }
    try:
        lab = await open_lab(folder, settings, proxy)
        try:
            yield ProxiedLab(lab, proxy)
        finally:
            await lab.close()
    finally:
        await proxy.stop()
