"""Asterisk, the simulated public network, the service, and the phones of its directory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from bridge.local_asterisk.installation import Installation
from bridge.local_asterisk.local import AsteriskSecrets, LocalAsterisk
from bridge.local_asterisk.ports import AsteriskPorts
from bridge.secrets_file import AMI_RECORDING_SECRET, AMI_SECRET, ARI_SECRET, SecretsFile
from tests.lab.asterisk_ports import free_asterisk_ports
from tests.softphones.sipp_behaviour import SippBehaviour
from tests.softphones.sipp_phone import SippPhone
from tests.softphones.softphone import AnswerPolicy, Softphone

from .api_client import ApiClient
from .bridge_process import BridgeProcess
from .free_port import free_http_port
from .installation import test_installation
from .tcp_proxy import TcpProxy


class AsteriskConsole(Protocol):
    async def console(self, command: str) -> str:
        """The output of a console command."""
        ...


class LabAsterisk(Protocol):
    """As LocalAsterisk; in tests/compose it runs in containers."""

    @property
    def ports(self) -> AsteriskPorts: ...

    @property
    def pbx(self) -> AsteriskConsole: ...

    @property
    def public_network(self) -> AsteriskConsole | None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def kill(self) -> None: ...

    async def call_in(
        self,
        number: str,
        *,
        caller_number: str = "3235550100",
        caller_name: str = "",
        does: str = "silent",
    ) -> None: ...

    async def hang_up_public_network(self) -> None: ...


class RunningLab:
    """Use `open_lab`. Phones are not started: `async with lab.phone("0003*210") as phone`."""

    def __init__(self, asterisk: LabAsterisk, bridge: BridgeProcess) -> None:
        self.asterisk = asterisk
        self.bridge = bridge

    def client(self, client_id: str = "user-12") -> ApiClient:
        return self.bridge.client(client_id)

    def phone(self, user: str, *, answer: AnswerPolicy = "manual", tone_hz: int = 440) -> Softphone:
        """A baresip softphone with the directory's generated password."""
        return Softphone(
            user,
            self.bridge.secret(f"sip/{user}"),
            port=self.asterisk.ports.sip,
            answer=answer,
            tone_hz=tone_hz,
        )

    def scripted(self, user: str, behaviour: SippBehaviour | None = None) -> SippPhone:
        """A SIPp phone that behaves as told."""
        return SippPhone(
            user,
            self.bridge.secret(f"sip/{user}"),
            port=self.asterisk.ports.sip,
            behaviour=behaviour,
        )

    async def close(self) -> None:
        try:
            await self.bridge.stop()
        finally:
            await self.asterisk.stop()


async def open_lab(
    folder: Path,
    settings: Mapping[str, str] | None = None,
    ami_proxy: TcpProxy | None = None,
    installation: Installation | None = None,
) -> RunningLab:
    """A running lab of its own, in `folder`; the caller closes it.

    `ami_proxy`, started already, stands between the service and Asterisk's AMI. `installation` is
    the Asterisk to run, by default the one that all tests run.
    """
    state = folder / "state"
    state.mkdir(mode=0o700, parents=True)
    secrets = SecretsFile.open(state / "secrets.json")
    asterisk = LocalAsterisk(
        installation=installation or await test_installation(),
        state_dir=folder / "asterisk",
        ports=free_asterisk_ports(),
        secrets=AsteriskSecrets(
            ami_secret=secrets.get_or_create(AMI_SECRET),
            ari_secret=secrets.get_or_create(ARI_SECRET),
            ami_recording_secret=secrets.get_or_create(AMI_RECORDING_SECRET),
        ),
    )
    if ami_proxy is not None:
        ami_proxy.server_port = asterisk.ports.ami
        settings = {"ami_port": str(ami_proxy.port), **(settings or {})}
    await asterisk.start()
    bridge = BridgeProcess(state, asterisk.ports, free_http_port(), settings)
    try:
        await bridge.start()
    except BaseException:
        await asterisk.stop()
        raise
    return RunningLab(asterisk, bridge)
