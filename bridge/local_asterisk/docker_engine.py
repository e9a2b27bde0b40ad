"""The PBX and the simulated public network as containers of docker-compose.yml."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from bridge.local_asterisk.errors import AsteriskStartError
from bridge.local_asterisk.local_asterisk import CONFIGURATION, QUEUES_FILE, AsteriskSecrets
from bridge.local_asterisk.ports import AsteriskPorts

ASK_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 60.0
BUILD_TIMEOUT_S = 900.0
"""The first start builds the image from packages."""

ASTERISK_SERVICE, PUBLIC_NETWORK_SERVICE = "asterisk", "public-network"
_SERVICES = (ASTERISK_SERVICE, PUBLIC_NETWORK_SERVICE)
_NET_TAKEN = (
    "\nAnother Compose project has this network: end it with `docker compose down`, or choose "
    "another with BRIDGE_COMPOSE_NET, as in 172.28.54"
)


def project_of(state_dir: Path) -> str:
    """One Compose project for each state folder: two of them do not share phones."""
    name = re.sub(r"[^a-z0-9]+", "-", str(state_dir.absolute()).lower()).strip("-")
    return f"uapi-bridge-{name}"[-60:].lstrip("-")


async def why_no_docker() -> str | None:
    """Why Docker cannot be used; None if an engine answers and has compose."""
    if shutil.which("docker") is None:
        return "there is no `docker` on PATH"
    for question, answer in (
        (("docker", "version", "--format", "{{.Server.Version}}"), "no Docker engine answers"),
        (("docker", "compose", "version"), "`docker compose` is not installed"),
    ):
        try:
            code, _ = await _run(*question, timeout_s=ASK_TIMEOUT_S)
        except TimeoutError:
            return f"`{' '.join(question)}` does not answer"
        if code != 0:
            return answer
    return None


class DockerAsterisk:
    """The same surface as LocalAsterisk; the containers' data is in named volumes.

    AMI, ARI and SIP are published on the loopback address, for the service that runs
    outside of Docker.
    """

    def __init__(
        self,
        *,
        state_dir: Path,
        ports: AsteriskPorts,
        secrets: AsteriskSecrets,
        report: Callable[[str], None],
        configuration: Path = CONFIGURATION,
    ) -> None:
        self.ports = ports
        self._configuration = configuration
        self._report = report
        self._project = project_of(state_dir)
        self._last_words = state_dir.absolute() / "docker.log"
        self._queues_folder = state_dir.absolute() / "queues"
        self._environment = {
            "BRIDGE_COMPOSE_QUEUES": str(self._queues_folder),
            "BRIDGE_AMI_USERNAME": secrets.ami_user,
            "BRIDGE_AMI_SECRET": secrets.ami_secret,
            "BRIDGE_AMI_RECORDING_USERNAME": secrets.ami_recording_user,
            "BRIDGE_AMI_RECORDING_SECRET": secrets.ami_recording_secret,
            "BRIDGE_ARI_USERNAME": secrets.ari_user,
            "BRIDGE_ARI_SECRET": secrets.ari_secret,
            "BRIDGE_BIND_ADDRESS": ports.bind_address,
            "BRIDGE_MANAGEMENT_ADDRESS": ports.management_address,
            "BRIDGE_SIP_PORT": str(ports.sip),
            "BRIDGE_ARI_PORT": str(ports.http),
            "BRIDGE_AMI_PORT": str(ports.ami),
            "BRIDGE_RTP_PORT_MIN": str(ports.rtp_start),
            "BRIDGE_RTP_PORT_MAX": str(ports.rtp_end),
            "BRIDGE_EXTERNAL_ADDRESS": ports.external_address,
            "BRIDGE_STUN_SERVER": ports.stun_server,
        }

    @property
    def media_address(self) -> str:
        """The loopback address of a container cannot be reached from outside."""
        return ""

    @property
    def queues_file(self) -> Path:
        """The containers see its folder."""
        return self._queues_folder / QUEUES_FILE

    async def start(self) -> None:
        """Build if needed, start, and return when both are fully booted."""
        await self.ports.check_external_address()
        # The Asterisk in the container is another user.
        self._queues_folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._report("Starting Asterisk with Docker; the first time, the image is built ...")
        try:
            code, output = await self._compose(
                *("up", "--detach", "--build", "--wait", *_SERVICES), timeout_s=BUILD_TIMEOUT_S
            )
        except TimeoutError:
            await self.stop()
            raise AsteriskStartError(f"docker compose took over {BUILD_TIMEOUT_S:g} s") from None
        if code != 0:
            _, log = await self._compose(
                "logs", "--no-color", "--tail=20", *_SERVICES, timeout_s=ASK_TIMEOUT_S
            )
            await self.stop()
            hint = _NET_TAKEN if "overlap" in output else ""
            raise AsteriskStartError(
                f"docker compose failed:\n{output.strip()}\n{log.strip()}{hint}"
            )

    async def stop(self) -> None:
        """Remove the containers; the volumes, and with them the phones, stay."""
        await self._compose("down", "--timeout=5", timeout_s=STOP_TIMEOUT_S)

    @property
    def where_logs_are(self) -> str:
        return f"its last lines are in {self._last_words}"

    async def wait_until_ended(self) -> str:
        """Return when one of the containers ended by itself. Its log goes with it."""
        await self._compose("wait", *_SERVICES, timeout_s=None)
        with contextlib.suppress(TimeoutError, OSError):
            _, log = await self._compose(
                "logs", "--no-color", "--tail=200", *_SERVICES, timeout_s=ASK_TIMEOUT_S
            )
            self._last_words.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._last_words.write_text(log)
        return "an Asterisk container"

    async def _compose(self, *arguments: str, timeout_s: float | None) -> tuple[int, str]:
        return await _run(
            *("docker", "compose", "--project-name", self._project),
            *("--file", str(self._configuration.parent / "docker-compose.yml")),
            *("--file", str(self._configuration / "compose.host-service.yml")),
            *arguments,
            timeout_s=timeout_s,
            environment=self._environment,
        )


async def _run(
    *command: str, timeout_s: float | None, environment: dict[str, str] | None = None
) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, **(environment or {})},
    )
    try:
        async with asyncio.timeout(timeout_s):
            output, _ = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    return process.returncode or 0, output.decode(errors="replace")
