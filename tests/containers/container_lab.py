"""A lab whose Asterisk and service are containers; the phones are programs of this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.lab.public_network import call_in_command, hang_up_all
from bridge.testing.lab.running_lab import RunningLab

from .compose_system import ComposeSystem


class ContainerConsole:
    """The console of the Asterisk in one container."""

    def __init__(self, system: ComposeSystem, service: str) -> None:
        self._system = system
        self._service = service

    async def console(self, command: str) -> str:
        return await asyncio.to_thread(self._system.exec, self._service, "asterisk", "-rx", command)


class ContainerAsterisk:
    """The surface of LocalAsterisk that tests use."""

    def __init__(self, system: ComposeSystem) -> None:
        self._system = system
        self.ports = system.ports
        self.pbx = ContainerConsole(system, "asterisk")
        self.public_network = ContainerConsole(system, "public-network")

    async def start(self) -> None:
        await asyncio.to_thread(self._system.up)

    async def stop(self) -> None:
        await asyncio.to_thread(self._system.compose, "stop", "asterisk", "public-network")

    async def kill(self) -> None:
        """kill -9; Docker does not start it again by itself after that."""
        await asyncio.to_thread(self._system.compose, "kill", "asterisk")

    async def call_in(
        self,
        number: str,
        *,
        caller_number: str = "3235550100",
        caller_name: str = "",
        does: str = "silent",
    ) -> None:
        await self.public_network.console(call_in_command(number, caller_number, caller_name, does))

    async def hang_up_public_network(self) -> None:
        await hang_up_all(self.public_network)


class ContainerBridge(BridgeProcess):
    """The service's container. Its state is in a volume: `state_dir` is an empty folder."""

    def __init__(self, system: ComposeSystem, folder: Path) -> None:
        super().__init__(folder, system.ports, system.http_port)
        self._system = system
        self._secrets: dict[str, str] = {}

    @property
    def pid(self) -> int:
        raise NotImplementedError("a container is not signalled by pid")

    async def start(self, *, wait_ready: bool = True) -> None:
        await asyncio.to_thread(self._system.compose, "start", "bridge")
        if wait_ready:
            await self.wait_ready()

    def has_ended(self) -> bool:
        return False  # a container that ends is started again

    async def stop(self) -> None:
        """SIGTERM, as `docker compose stop` does; the exit code must be 0."""
        await asyncio.to_thread(self._system.compose, "stop", "bridge")
        state = self._system.inspect("bridge")["State"]
        assert state["ExitCode"] == 0, self.log_text()[-3000:]

    async def kill(self) -> None:
        await asyncio.to_thread(self._system.compose, "kill", "bridge")

    def reload(self) -> None:
        """As docs/containers.md says. After `docker compose kill -s HUP`, Docker would take the
        container for one that was stopped by hand, and not start it again when it crashes."""
        self._system.exec("bridge", "sh", "-c", "kill -HUP 1")

    def log_text(self) -> str:
        return self._system.logs("bridge")

    def secret(self, name: str) -> str:
        if name not in self._secrets:
            self._secrets = self._system.secrets()
        return self._secrets[name]


class ContainerLab(RunningLab):
    """`lab` of tests/pbx/calls when they run with --compose. Whoever started the system ends it."""

    def __init__(self, system: ComposeSystem, folder: Path) -> None:
        self.system = system
        super().__init__(ContainerAsterisk(system), ContainerBridge(system, folder))

    async def phone_is_online(self, user: str, time_limit_s: float = 0.3) -> None:
        """ARI is closed here; Asterisk asks within milliseconds."""
        await asyncio.sleep(time_limit_s)  # nothing there can be asked

    async def close(self) -> None:
        """The containers go on."""
