"""Asterisk, the simulated public network, the service, and the phones of its directory."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import quote

import aiohttp

from bridge.config.secrets_file import AMI_RECORDING_SECRET, AMI_SECRET, ARI_SECRET, SecretsFile
from bridge.local_asterisk.installation import Installation
from bridge.local_asterisk.local_asterisk import CONFIGURATION, AsteriskSecrets
from bridge.local_asterisk.ports import AsteriskPorts
from bridge.testing.eventually import eventually
from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.softphones.sipp_behaviour import SippBehaviour
from bridge.testing.softphones.sipp_phone import SippPhone
from bridge.testing.softphones.softphone import AnswerPolicy, Softphone

from .api_client import ApiClient
from .bridge_process import SERVICE, BridgeProcess
from .free_port import free_http_port
from .installation import test_installation
from .public_network import AsteriskConsole, CallableAsterisk
from .tcp_proxy import TcpProxy


class LabAsterisk(Protocol):
    """As CallableAsterisk; in tests/containers it runs in containers."""

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
    """`async with await open_lab(folder) as lab`, which closes it; phones are not started then:
    `async with lab.phone("0003*210") as phone`."""

    def __init__(self, asterisk: LabAsterisk, bridge: BridgeProcess) -> None:
        self.asterisk = asterisk
        self.bridge = bridge

    def client(self, client_id: str = "user-12") -> ApiClient:
        return self.bridge.client(client_id)

    def phone(self, user: str, *, answer: AnswerPolicy = "manual", tone_hz: int = 440) -> Softphone:
        """A baresip softphone with the directory's generated password."""
        phone = Softphone(
            user,
            self.bridge.secret(f"sip/{user}"),
            port=self.asterisk.ports.sip,
            answer=answer,
            tone_hz=tone_hz,
        )
        phone.once_registered = partial(self.phone_is_online, user)
        return phone

    def scripted(self, user: str, behaviour: SippBehaviour | None = None) -> SippPhone:
        """A SIPp phone that behaves as told."""
        phone = SippPhone(
            user,
            self.bridge.secret(f"sip/{user}"),
            server=_in_uri(self.asterisk.ports.bind_address),
            port=self.asterisk.ports.sip,
            behaviour=behaviour,
        )
        phone.once_registered = partial(self.phone_is_online, user)
        return phone

    async def phone_is_online(self, user: str, time_limit_s: float = 5.0) -> None:
        """Return once Asterisk has asked the phone and heard its answer, or the time is over.

        Until then the service may not know of it either, on a machine that is busy.
        """
        ports = self.asterisk.ports
        url = f"http://{ports.management_address}:{ports.http}/ari/endpoints/PJSIP/{quote(user)}"
        access = aiohttp.encode_basic_auth("bridge", self.bridge.secret(ARI_SECRET))

        async def online() -> bool:
            async with http.get(url, headers={"Authorization": access}) as answer:
                return bool((await answer.json()).get("state") == "online")

        with contextlib.suppress(AssertionError, aiohttp.ClientError):
            async with aiohttp.ClientSession() as http:
                await eventually(online, time_limit_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        try:
            await self.bridge.stop()
        finally:
            await self.asterisk.stop()


def _in_uri(address: str) -> str:
    """IPv6 in brackets."""
    return f"[{address}]" if ":" in address else address


async def open_lab(
    folder: Path,
    settings: Mapping[str, str] | None = None,
    ami_proxy: TcpProxy | None = None,
    installation: Installation | None = None,
    ports: AsteriskPorts | None = None,
    configuration: Path = CONFIGURATION,
    *,
    warnings_are_errors: bool = True,
) -> RunningLab:
    """A running lab of its own, in `folder`; the caller closes it.

    `ami_proxy`, started already, stands between the service and Asterisk's AMI. `installation` is
    the Asterisk to run, by default the one that all tests run; `ports` where it listens, by default
    on free ports of 127.0.0.1; `configuration` what it runs with, by default the shipped one;
    `warnings_are_errors` of the service, as in the tests of this repository.
    """
    state = folder / "state"
    state.mkdir(mode=0o700, parents=True)
    secrets = SecretsFile.open(state / "secrets.json")
    asterisk = CallableAsterisk(
        installation=installation or await test_installation(),
        state_dir=folder / "asterisk",
        ports=ports or free_asterisk_ports(),
        secrets=AsteriskSecrets(
            ami_secret=secrets.get_or_create(AMI_SECRET),
            ari_secret=secrets.get_or_create(ARI_SECRET),
            ami_recording_secret=secrets.get_or_create(AMI_RECORDING_SECRET),
        ),
        configuration=configuration,
    )
    if ami_proxy is not None:
        ami_proxy.server_port = asterisk.ports.ami
        settings = {"ami_port": str(ami_proxy.port), **(settings or {})}
    await asterisk.start()
    settings = {"queues_file": str(asterisk.queues_file), **(settings or {})}
    bridge = BridgeProcess(state, asterisk.ports, free_http_port(), settings)
    if not warnings_are_errors:
        bridge.command = SERVICE
    try:
        await bridge.start()
    except BaseException:
        await asterisk.stop()
        raise
    return RunningLab(asterisk, bridge)
