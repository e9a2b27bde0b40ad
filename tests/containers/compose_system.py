"""One project of docker-compose.yml, or of another compose file beside it."""

from __future__ import annotations

import json
import random
import re
import resource
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.softphones.ports import free_port

from .command import CommandFailedError, run
from .engine import Docker

REPOSITORY = Path(__file__).resolve().parents[2]
DOCKERFILES = [
    REPOSITORY / "Dockerfile",
    REPOSITORY / "asterisk-conf" / "Dockerfile",
    REPOSITORY / "bridge" / "storage" / "postgresql_image" / "Dockerfile",
    REPOSITORY / "deploy" / "edge" / "Dockerfile",
    REPOSITORY / "deploy" / "haproxy" / "Dockerfile",
]
_BUILD_TIMEOUT_S = 900.0
_UP_TIMEOUT_S = 180.0
_RTP_PORTS = 100


class ComposeSystem:
    """`settings` are variables of docker-compose.yml, `overrides` further compose files.

    `directory` is where Compose looks for a file `.env`.
    """

    FILE = "docker-compose.yml"

    def __init__(
        self,
        docker: Docker,
        project: str,
        tag: str,
        settings: Mapping[str, str] | None = None,
        overrides: tuple[Path, ...] = (),
        directory: Path = REPOSITORY,
        networks: Iterator[int] | None = None,
    ) -> None:
        # Each project of a run has a network of its own: Docker refuses two that overlap.
        self.networks = networks or iter(random.sample(range(60, 250), 190))
        self.docker = docker
        self.project = project
        self.tag = tag
        rtp_start = _free_rtp_block()
        self.ports = replace(
            free_asterisk_ports(), rtp_start=rtp_start, rtp_end=rtp_start + _RTP_PORTS - 1
        )
        self.http_port = free_port()
        self._overrides = overrides
        self._directory = directory
        self.settings = {
            "BRIDGE_COMPOSE_TAG": tag,
            # A daemon of ours may not be allowed to give more than it has.
            "BRIDGE_COMPOSE_NOFILE": str(min(16384, resource.getrlimit(resource.RLIMIT_NOFILE)[1])),
            "BRIDGE_COMPOSE_NET": f"172.28.{next(self.networks)}",
            "BRIDGE_SIP_PORT": str(self.ports.sip),
            "BRIDGE_HTTP_PORT": str(self.http_port),
            "BRIDGE_RTP_PORT_MIN": str(self.ports.rtp_start),
            "BRIDGE_RTP_PORT_MAX": str(self.ports.rtp_end),
            **(settings or {}),
        }

    def another(
        self,
        name: str,
        settings: Mapping[str, str],
        overrides: tuple[Path, ...] = (),
        directory: Path = REPOSITORY,
    ) -> ComposeSystem:
        """A second project from the same images; whoever starts it removes it."""
        project = f"{self.project}-{name}"
        return ComposeSystem(
            *(self.docker, project, self.tag, settings, overrides, directory, self.networks)
        )

    def compose(self, *arguments: str, timeout_s: float = 60.0, check: bool = True) -> str:
        files = (REPOSITORY / self.FILE, *self._overrides)
        return run(
            *("docker", "compose", "--project-name", self.project),
            *("--project-directory", str(self._directory)),
            *(x for file in files for x in ("--file", str(file))),
            *arguments,
            timeout_s=timeout_s,
            environment={**self.docker.environment, **self.settings},
            check=check,
        )

    def build(self, pip_conf: Path, images: Mapping[str, str], *services: str) -> None:
        """`images`: the variables that name those to build on. Without `services`: all."""
        every = {
            **images,
            "COMPOSE_PROFILES": "postgres",
            "BRIDGE_COMPOSE_PIP_CONF": str(pip_conf),
        }
        plain, self.settings = self.settings, self.settings | every
        try:
            self.compose("build", *services, timeout_s=_BUILD_TIMEOUT_S)
        finally:
            self.settings = plain

    def up(self, *services: str) -> None:
        """Returns when all is healthy; a failure shows the end of the logs."""
        try:
            start = ("up", "--detach", "--no-build", "--wait")
            self.compose(*start, *services, timeout_s=_UP_TIMEOUT_S)
        except CommandFailedError as why:
            logs = self.compose("logs", "--no-color", "--tail=30", check=False)
            raise CommandFailedError(f"{why}\n{logs}") from None

    def wait_healthy(self, service: str, time_limit_s: float = 60.0) -> None:
        """For a container that was restarted; `up` would give up at one that is unhealthy now."""
        deadline = time.monotonic() + time_limit_s
        while (status := self.inspect(service)["State"]["Health"]["Status"]) != "healthy":
            assert time.monotonic() < deadline, f"{service} is {status}"
            time.sleep(0.3)  # it is asked until the deadline

    def up_with_profile_option(self) -> None:
        """`docker compose --profile postgres up`."""
        try:
            self.compose(
                *("--profile", "postgres", "up", "--detach", "--no-build", "--wait", "database"),
                timeout_s=_UP_TIMEOUT_S,
            )
        except CommandFailedError as why:
            logs = self.compose("--profile", "postgres", "logs", "database", check=False)
            raise CommandFailedError(f"{why}\n{logs}") from None

    def down(self) -> None:
        """As a user does it: the volumes stay."""
        self.compose("down", timeout_s=_UP_TIMEOUT_S)

    def remove(self) -> None:
        """Nothing of the project stays but the images."""
        self.settings |= {"COMPOSE_PROFILES": "postgres"}
        self.compose(
            "down", "--volumes", "--remove-orphans", "--timeout=5", timeout_s=_UP_TIMEOUT_S
        )

    def exec(self, service: str, *command: str, check: bool = True) -> str:
        return self.compose("exec", "--no-TTY", service, *command, check=check)

    def logs(self, service: str, *arguments: str) -> str:
        """Of the present container."""
        return self.docker("logs", *arguments, self.container(service), errors_too=True)

    def container(self, service: str) -> str:
        """The id of the container, running or not."""
        return self.compose("ps", "--all", "--quiet", service).strip()

    def inspect(self, service: str) -> Any:
        return json.loads(self.docker("inspect", self.container(service)))[0]

    def secrets(self) -> dict[str, str]:
        """The generated secrets of the service."""
        found: dict[str, str] = json.loads(self.exec("bridge", "cat", "/state/secrets.json"))
        return found

    def published(self, service: str) -> set[str]:
        """`port/protocol` inside → outside, as `ADDRESS:PORT->PORT/protocol`."""
        ports = self.inspect(service)["NetworkSettings"]["Ports"]
        return {
            f"{one['HostIp']}:{one['HostPort']}->{inside}"
            for inside, outside in ports.items()
            for one in outside or ()
        }


def _free_rtp_block() -> int:
    """The first of a block of UDP ports none of which is taken: Docker opens every one of them.

    Below the ports that phones and other labs draw theirs from.
    """
    for _ in range(50):
        start = 2200 + _RTP_PORTS * random.randrange(26)
        if all(_is_free(port) for port in range(start, start + _RTP_PORTS)):
            return start
    raise OSError("no free block of UDP ports")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def json_lines(text: str) -> list[dict[str, object]]:
    """The JSON lines of a container's log."""
    return [json.loads(x) for x in re.findall(r"^\{.*\}$", text, re.M)]
