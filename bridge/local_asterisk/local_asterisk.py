"""The PBX and the simulated public network as processes of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bridge.local_asterisk.errors import LocalAsteriskError
from bridge.local_asterisk.installation import Installation
from bridge.local_asterisk.ports import AsteriskPorts
from bridge.local_asterisk.process import AsteriskProcess
from bridge.supervision.tasks import awaited

# In a checkout a link to the folder at its top, in an installed package a copy; beside either of
# them is docker-compose.yml.
CONFIGURATION = (Path(__file__).parent / "shipped" / "asterisk-conf").resolve()
PIN = "asterisk-package"
"""In it: the version of Debian's package that this release is tested with."""

QUEUES_FILE = "queues-directory.conf"
PBX_FOLDER, PUBLIC_NETWORK_FOLDER = "pbx", "public-network"
"""Below the state folder."""


@dataclass(frozen=True, slots=True)
class AsteriskSecrets:
    """Users and secrets that the caller made; they end in files of mode 0600."""

    ami_secret: str
    ari_secret: str
    ami_recording_secret: str
    ami_user: str = "bridge"
    ami_recording_user: str = "bridge-recording"
    ari_user: str = "bridge"

    def __repr__(self) -> str:
        users = (self.ami_user, self.ami_recording_user, self.ari_user)
        return f"AsteriskSecrets(of {users})"


class LocalAsterisk:
    """Start and stop may be repeated; astdb, and with it the phones, stays.

    One owner per state folder, held by a lock file. Use the event loop of the main
    thread: Asterisk is ended by the kernel when the thread that started it dies.
    """

    def __init__(
        self,
        *,
        installation: Installation,
        state_dir: Path,
        ports: AsteriskPorts,
        secrets: AsteriskSecrets,
        public_network: bool = True,
        configuration: Path = CONFIGURATION,
        values: Mapping[str, str] | None = None,
    ) -> None:
        """`values`: further ones of render.sh, for the PBX."""
        self.ports = ports
        self.installation = installation
        self._state_dir = state_dir.absolute()
        self._lock: IO[str] | None = None
        common = {"RTP_START": str(ports.rtp_start), "RTP_END": str(ports.rtp_end)}
        self.pbx = AsteriskProcess(
            name="Asterisk",
            installation=installation,
            folder=self._state_dir / PBX_FOLDER,
            render=configuration / "render.sh",
            templates=configuration / "pbx",
            values={
                **common,
                "BIND_ADDRESS": ports.bind_address,
                "MANAGEMENT_ADDRESS": ports.management_address,
                "SIP_PORT": str(ports.sip),
                "HTTP_PORT": str(ports.http),
                "AMI_PORT": str(ports.ami),
                "AMI_USER": secrets.ami_user,
                "AMI_SECRET": secrets.ami_secret,
                "AMI_RECORDING_USER": secrets.ami_recording_user,
                "AMI_RECORDING_SECRET": secrets.ami_recording_secret,
                "ARI_USER": secrets.ari_user,
                "ARI_SECRET": secrets.ari_secret,
                "TRUNK_PEER_ADDRESS": ports.public_network_address,
                "TRUNK_PEER_PORT": str(ports.public_network_sip),
                "EXTERNAL_ADDRESS": ports.external_address,
                "STUN_SERVER": ports.stun_server,
                **(values or {}),
            },
        )
        self.public_network: AsteriskProcess | None = None
        if public_network:
            self.public_network = AsteriskProcess(
                name="the public network's Asterisk",
                installation=installation,
                folder=self._state_dir / PUBLIC_NETWORK_FOLDER,
                render=configuration / "render.sh",
                templates=configuration / "public-network",
                values={
                    **common,
                    "BIND_ADDRESS": ports.public_network_address,
                    "SIP_PORT": str(ports.public_network_sip),
                    "TRUNK_PEER_ADDRESS": ports.trunk_address,
                    "TRUNK_PEER_PORT": str(ports.sip),
                },
            )

    @property
    def media_address(self) -> str:
        """On loopback, so that audio is not to be had from outside either."""
        address = ipaddress.ip_address(self.ports.bind_address)
        return str(address) if address.is_loopback else ""

    @property
    def queues_file(self) -> Path:
        """The file of queues that its queues.conf includes; it survives a start."""
        return self.pbx.folder / "var" / QUEUES_FILE

    @property
    def _processes(self) -> list[AsteriskProcess]:
        return [self.pbx, *([self.public_network] if self.public_network else [])]

    async def start(self) -> None:
        """Start what does not run, and return when all of it is ready.

        PortTakenError, AsteriskStartError, LocalAsteriskError if the state folder is in use.
        """
        self._take_lock()
        try:
            await self._check()
            async with asyncio.TaskGroup() as group:
                for process in self._processes:
                    group.create_task(process.start())
        except BaseExceptionGroup as errors:
            await self.stop()
            raise errors.exceptions[0] from None
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End all of it; nothing is left, neither process nor mount."""
        try:
            await asyncio.gather(*(process.stop() for process in self._processes))
        finally:
            if self._lock is not None:
                self._lock.close()
                self._lock = None

    async def kill(self) -> None:
        """Kill the PBX as a crash would; start() brings it back with its phones."""
        await self.pbx.kill()

    @property
    def where_logs_are(self) -> str:
        return f"its log is in {self._state_dir}/*/log"

    async def wait_until_ended(self) -> str:
        """Return when one of the processes ended by itself, with its name."""
        return await _first_to_end(self._processes)

    async def _check(self) -> None:
        for process in self._processes:
            if process.pid is None:
                await process.stop_orphan()
        await self.ports.check_external_address()
        if self.pbx.pid is None:
            self.ports.check_pbx()
        if self.public_network is not None and self.public_network.pid is None:
            self.ports.check_public_network()

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        self._state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (self._state_dir / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise LocalAsteriskError(
                f"another uapi-bridge runs an Asterisk with the state folder {self._state_dir}"
            ) from None
        self._lock = lock


async def _first_to_end(processes: list[AsteriskProcess]) -> str:
    waiting = {awaited(process.ended(), "asterisk_end"): process.name for process in processes}
    try:
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        return waiting[done.pop()]
    finally:
        for task in waiting:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*waiting, return_exceptions=True)
