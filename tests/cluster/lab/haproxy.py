"""HAProxy in front of the instances: a request goes to one that says that it is ready."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from bridge.testing.eventually import eventually
from bridge.testing.softphones.toolchain import ensure_programs

_CONFIGURATION = """
global
    maxconn 2000
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout tunnel 1h
    option redispatch
    retries 2
frontend api
    bind {address}:{port}
    default_backend instances
backend instances
    balance leastconn
    option httpchk GET /health/ready
    default-server check inter 1s fall 2 rise 1
{servers}
"""


class HaProxy:
    """`instances`: host and port of each."""

    def __init__(
        self, folder: Path, address: tuple[str, int], instances: Sequence[tuple[str, int]]
    ) -> None:
        self.url = f"http://{address[0]}:{address[1]}"
        self._file = folder / "haproxy.cfg"
        servers = "\n".join(
            f"    server instance{number} {host}:{port}"
            for number, (host, port) in enumerate(instances, start=1)
        )
        self._file.write_text(
            _CONFIGURATION.format(address=address[0], port=address[1], servers=servers)
        )
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        await asyncio.to_thread(ensure_programs, {"haproxy": "haproxy"})
        self._process = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "TERM", "haproxy", "-db", "-f", str(self._file)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        await eventually(self._takes_requests)

    async def _takes_requests(self) -> bool:
        with contextlib.suppress(aiohttp.ClientError):
            async with aiohttp.ClientSession() as http, http.get(f"{self.url}/health/live") as got:
                return got.status == 200
        return False

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()
