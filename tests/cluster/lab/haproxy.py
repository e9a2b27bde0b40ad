"""HAProxy in front of the instances: deploy/haproxy, rendered and started as a process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from bridge.testing.eventually import eventually
from bridge.testing.softphones.toolchain import ensure_programs

RENDER = Path(__file__).parents[3] / "deploy" / "haproxy" / "render.sh"


class HaProxy:
    """`instances`: host and port of each."""

    def __init__(
        self, folder: Path, address: tuple[str, int], instances: Sequence[tuple[str, int]]
    ) -> None:
        self.url = f"http://{address[0]}:{address[1]}"
        self._file = folder / "haproxy.cfg"
        self._environment = {
            **os.environ,
            "BALANCER_ADDRESS": f"{address[0]}:{address[1]}",
            "BALANCER_INSTANCES": " ".join(
                f"instance{number}={host}:{port}"
                for number, (host, port) in enumerate(instances, start=1)
            ),
            # Each takes two file descriptors.
            "BALANCER_CONNECTIONS_MAX": "400",
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        await asyncio.to_thread(ensure_programs, {"haproxy": "haproxy"})
        await asyncio.to_thread(self._render)
        self._process = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "TERM", "haproxy", "-db", "-f", str(self._file)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        await eventually(self._takes_requests)

    def _render(self) -> None:
        done = subprocess.run([RENDER, self._file], env=self._environment, capture_output=True)
        assert done.returncode == 0, done.stderr

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
