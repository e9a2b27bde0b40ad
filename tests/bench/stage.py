"""One Asterisk, two phones, and the service when it is wanted."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from bridge.config.secrets_file import AMI_RECORDING_SECRET, AMI_SECRET, ARI_SECRET, SecretsFile
from bridge.local_asterisk.local_asterisk import CONFIGURATION, AsteriskSecrets, LocalAsterisk
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.lab.installation import test_installation
from bridge.testing.softphones.ports import free_port
from bridge.testing.softphones.toolchain import ensure_phone_tools

from .answering_phone import AnsweringPhone
from .bare_ami import BareAmi
from .bare_http import BareHttp
from .directory_file import CLIENT_ID, CLIENT_SECRET, DESTINATION, SOURCE, write_directory

# Addresses of its own: more RTP ports are needed than other tests on this machine leave free.
ADDRESS, PUBLIC_NETWORK_ADDRESS = "127.0.0.21", "127.0.0.22"
RTP_START, RTP_END = 10_000, 18_999
_PROVISION_LIMIT_S = 10
PREVIOUS = Path(__file__).with_name("previous_asterisk")

UNLIMITED = {
    "calls_per_second": "100000",
    "calls_burst": "100000",
    "call_queue_wait_ms": "60000",
    "calls_per_extension_max": "1000000",
    "calls_per_user_max": "1000000",
    "calls_max": "1000000",
    "requests_per_minute_max": "100000000",
}
"""Everything else, what is on disk above all, is as in production."""


class Stage:
    def __init__(self, folder: Path, asterisk: LocalAsterisk, secrets: SecretsFile) -> None:
        self.folder = folder
        self.asterisk = asterisk
        self._secrets = secrets
        self.source: AnsweringPhone
        self.destination: AnsweringPhone
        self._numbers = 1_000_000

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def database(self) -> Path:
        return self.state / "bridge.db"

    @property
    def asterisk_pid(self) -> int:
        pid = self.asterisk.pbx.pid
        assert pid is not None, "Asterisk has ended"
        return pid

    @property
    def ami_secret(self) -> str:
        return self._secrets.get_or_create(AMI_SECRET)

    @property
    def ari_secret(self) -> str:
        return self._secrets.get_or_create(ARI_SECRET)

    def next_number(self) -> str:
        """A caller's number that no other call has."""
        self._numbers += 1
        return str(self._numbers)

    def processes(self, service: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """By what they do; `service`: the processes of the service that is measured."""
        return {
            "asterisk": (self.asterisk_pid,),
            "service": service,
            "phones": (self.source.pid, self.destination.pid),
            "client": (os.getpid(),),
        }

    @asynccontextmanager
    async def service(
        self, ami_port: int | None = None, more: Mapping[str, str] | None = None
    ) -> AsyncIterator[BridgeProcess]:
        """The service on this Asterisk. `ami_port`: of a relay to its AMI; `more` settings."""
        ports = (
            self.asterisk.ports if ami_port is None else replace(self.asterisk.ports, ami=ami_port)
        )
        directory = {"directory_file": str(self.folder / "directory.yaml")}
        settings = {**UNLIMITED, **directory, **(more or {})}
        service = BridgeProcess(self.state, ports, free_port(), settings)
        await service.start()
        try:
            yield service
        finally:
            await service.stop()

    async def ami(self) -> BareAmi:
        ports = self.asterisk.ports
        return await BareAmi.connect(ADDRESS, ports.ami, self.ami_secret, lambda _: None)

    def ari(self) -> BareHttp:
        """Requests to ARI; its events are the caller's business."""
        credentials = base64.b64encode(f"bridge:{self.ari_secret}".encode()).decode()
        return BareHttp(
            ADDRESS, self.asterisk.ports.http, f"Authorization: Basic {credentials}\r\n"
        )


async def token_of(service: BridgeProcess, client_id: str) -> str:
    """A new token of this app."""
    async with ApiClient(service.base_url, client_id, CLIENT_SECRET) as client:
        return await client.authenticate()


async def api(service: BridgeProcess, client_id: str = CLIENT_ID) -> BareHttp:
    """Requests to the service, with a token of this app."""
    token = await token_of(service, client_id)
    port = int(service.base_url.rpartition(":")[2])
    return BareHttp("127.0.0.1", port, f"Authorization: Bearer {token}\r\n")


async def _phones_known(stage: Stage) -> None:
    """Until Asterisk has the phones, which may be a moment after the service is ready."""
    ari = stage.ari()

    async def known() -> bool:
        paths = [f"/ari/endpoints/PJSIP/{x}" for x in (SOURCE, DESTINATION)]
        return all([(await ari.request("GET", x))[0] == 200 for x in paths])

    await eventually(known, _PROVISION_LIMIT_S)
    await ari.close()


def previous_configuration(folder: Path) -> Path:
    """The shipped configuration in a new folder, with the dialplan of before the work on speed."""
    made = folder / "previous"
    shutil.copytree(CONFIGURATION, made)
    for file in PREVIOUS.iterdir():
        shutil.copy(file, made / "pbx")
    return made


@asynccontextmanager
async def open_stage(folder: Path, configuration: Path = CONFIGURATION) -> AsyncIterator[Stage]:
    """A running Asterisk with both phones registered; the service has run once."""
    ensure_phone_tools()
    secrets = SecretsFile.open(folder / "state" / "secrets.json")
    write_directory(folder / "directory.yaml")
    ports = free_asterisk_ports(bind_address=ADDRESS, public_network_address=PUBLIC_NETWORK_ADDRESS)
    asterisk = LocalAsterisk(
        installation=await test_installation(),
        state_dir=folder / "asterisk",
        ports=replace(ports, rtp_start=RTP_START, rtp_end=RTP_END),
        secrets=AsteriskSecrets(
            ami_secret=secrets.get_or_create(AMI_SECRET),
            ari_secret=secrets.get_or_create(ARI_SECRET),
            ami_recording_secret=secrets.get_or_create(AMI_RECORDING_SECRET),
        ),
        public_network=False,
        configuration=configuration,
    )
    async with AsyncExitStack() as stack:
        await asterisk.start()
        stack.push_async_callback(asterisk.stop)
        stage = Stage(folder, asterisk, secrets)
        async with stage.service() as service:  # makes the phones known to Asterisk
            passwords = {x: service.secret(f"sip/{x}") for x in (SOURCE, DESTINATION)}
            await _phones_known(stage)
        phones = {
            x: AnsweringPhone(x, passwords[x], ADDRESS, ports.sip) for x in (SOURCE, DESTINATION)
        }
        for phone in phones.values():
            stack.push_async_callback(phone.stop)
            await phone.start()
        stage.source, stage.destination = phones[SOURCE], phones[DESTINATION]
        yield stage
