"""The service as its users run it: `uapi-bridge serve`, a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from bridge.directory.loader import EXAMPLE_FILE
from bridge.local_asterisk.ports import AsteriskPorts
from bridge.testing.eventually import eventually

from .api_client import ApiClient

SERVICE = (sys.executable, "-c", "from bridge.cli import main; main()")
"""The command line of the service, before its arguments."""

_READY_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 30.0


class BridgeProcess:
    """`settings`: names of bridge/config/settings.py in lower case, beside what a lab needs."""

    # Warnings are errors, as pyproject.toml says of the tests themselves.
    command: tuple[str | Path, ...] = (SERVICE[0], "-W", "error", *SERVICE[1:])
    working_folder: Path | None = None

    def __init__(
        self,
        state_dir: Path,
        asterisk: AsteriskPorts,
        http_port: int,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.state_dir = state_dir
        self.base_url = f"http://127.0.0.1:{http_port}"
        self.sip_port = asterisk.sip
        self.log_file = state_dir / "bridge.log"
        self._settings = {
            "state_dir": str(state_dir),
            "http_port": str(http_port),
            "pbx_host": asterisk.bind_address,
            "sip_port": str(asterisk.sip),
            "ami_port": str(asterisk.ami),
            "ari_port": str(asterisk.http),
            "phone_media_address": asterisk.bind_address,
            "directory_file": str(EXAMPLE_FILE),
            "refusals_logged_per_minute": "100000",  # tests look for single lines
            "reconnect_min_s": "0.1",
            "reconnect_max_s": "1",
            **(settings or {}),
        }
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self, *, wait_ready: bool = True) -> None:
        """Returns when calls can be placed."""
        self.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("BRIDGE_")}
        environment |= {f"BRIDGE_{k.upper()}": v for k, v in self._settings.items()}
        # A test run may not want compiled modules to be kept; its users' starts find them.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        with self.log_file.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                "serve",
                cwd=self.working_folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if wait_ready:
            await self.wait_ready()

    async def wait_ready(self, time_limit_s: float = _READY_TIMEOUT_S) -> None:
        await self.wait_health(200, time_limit_s)

    async def wait_health(self, status: int, time_limit_s: float = _READY_TIMEOUT_S) -> None:
        """Until /health/ready answers with that status."""
        last, said = "no answer", 0

        async def said_or_ended() -> bool:
            nonlocal last, said
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{self.base_url}/health/ready") as response:
                    last = f"{response.status}: {await response.text()}"
                    said = response.status
            return said == status or self.has_ended()

        def why() -> str:
            return f"health {status} not reached ({last})\n{self.log_text()[-3000:]}"

        async with aiohttp.ClientSession() as session:
            await eventually(said_or_ended, time_limit_s, why=why)
        assert said == status, why()

    async def wait_started(self, time_limit_s: float = _READY_TIMEOUT_S) -> None:
        """Until it has its database and serves every route, with or without a PBX.

        A slow start answers each request with 503 before that.
        """

        async def has_database() -> bool:
            assert not self.has_ended(), self.log_text()[-3000:]
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{self.base_url}/health/ready") as response:
                    return bool((await response.json())["storage"]["up"])
            return False

        async with aiohttp.ClientSession() as session:
            await eventually(has_database, time_limit_s, why=lambda: self.log_text()[-3000:])

    def has_ended(self) -> bool:
        assert self._process is not None
        return self._process.returncode is not None

    async def stop(self) -> None:
        """As Ctrl-C does; the exit code must be 0."""
        assert await self._end(signal.SIGINT) == 0, self.log_text()[-3000:]

    async def kill(self) -> None:
        """kill -9"""
        await self._end(signal.SIGKILL)

    def set(self, name: str, value: str) -> None:
        """Another value of a setting, from the next start on."""
        self._settings[name] = value

    def reload(self) -> None:
        """SIGHUP"""
        os.kill(self.pid, signal.SIGHUP)

    def log_text(self) -> str:
        return self.log_file.read_text() if self.log_file.exists() else ""

    def log_lines(self, level: str = "") -> list[dict[str, object]]:
        """The log's JSON lines, of one level where given."""
        lines = [json.loads(x) for x in self.log_text().splitlines() if x.startswith("{")]
        return [x for x in lines if not level or x.get("level") == level]

    def secret(self, name: str) -> str:
        return str(json.loads((self.state_dir / "secrets.json").read_text())[name])

    def client(self, client_id: str = "user-12") -> ApiClient:
        return ApiClient(self.base_url, client_id, self.secret(f"app/{client_id}"))

    async def _end(self, ending: signal.Signals) -> int:
        process = self._process
        if process is None:
            return 0
        self._process = None
        if process.returncode is None:
            process.send_signal(ending)
        try:
            return await asyncio.wait_for(process.wait(), _STOP_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            raise AssertionError(f"did not end:\n{self.log_text()[-3000:]}") from None
