"""The office's Asterisk, its carriers, and the service beside it as on anybody's own Asterisk."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from bridge.config.secrets_file import AMI_RECORDING_SECRET, AMI_SECRET, ARI_SECRET, SecretsFile
from bridge.local_asterisk.installation import Installation
from bridge.local_asterisk.local_asterisk import CONFIGURATION, AsteriskSecrets, LocalAsterisk
from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.lab.installation import test_installation
from bridge.testing.lab.plain_ami import PlainAmi
from bridge.testing.softphones.plain_phone import PlainPhone

OFFICE = Path(__file__).parent
DIRECTORY = OFFICE.parent / "event_streams/recordings/office/directory.yaml"
PHONES = ("210", "211", "212", "213", "214")

# Of the shipped configuration: what has nothing of an office, and what the page says to include.
_TAKEN = (
    "acl",
    "asterisk",
    "ari",
    "ccss",
    "cdr",
    "cel",
    "confbridge",
    "extensions-bridge",
    "http",
    "indications",
    "logger",
    "pjproject",
    "rtp",
    "sorcery",
    "udptl",
    "websocket_client",
)

# A recording has more events than the service reads today: later versions replay it too.
_ALL_BUT = (
    "VarSet Newexten RTCPSent RTCPReceived NewAccountCode SoftHangupRequest DeviceStateChange"
)
_NOT_RECORDED = f"{_ALL_BUT} ExtensionStatus PresenceStateChange QueueMemberStatus"

SETTINGS = {
    "provision_phones": "false",
    "directory_file": str(DIRECTORY),
    "events_private_targets": "true",
    "calls_per_second": "100",
    "destination_wait_s": "15",
}


class Office:
    """Use `open_office`. The phones of PHONES are registered, and ring when they are called."""

    def __init__(
        self,
        asterisk: LocalAsterisk,
        bridge: BridgeProcess,
        phones: Mapping[str, PlainPhone],
        crm: PlainAmi,
    ) -> None:
        self.asterisk = asterisk
        self.bridge = bridge
        self.phones = phones
        self.crm = crm

    async def close(self) -> None:
        try:
            for phone in self.phones.values():
                await phone.stop()
            await self.crm.close()
            await self.bridge.stop()
        finally:
            await self.asterisk.stop()


async def open_office(
    folder: Path,
    settings: Mapping[str, str] | None = None,
    installation: Installation | None = None,
    *,
    all_events: bool = False,
) -> Office:
    """A running office in `folder`; the caller closes it.

    `all_events`: the service is told of more than docs/own-asterisk.md asks for, as where nobody
    has written filters.
    """
    state = folder / "state"
    state.mkdir(mode=0o700, parents=True)
    kept = SecretsFile.open(state / "secrets.json")
    crm_secret, phone_secret = secrets.token_urlsafe(12), secrets.token_urlsafe(12)
    asterisk = LocalAsterisk(
        installation=installation or await test_installation(),
        state_dir=folder / "asterisk",
        ports=free_asterisk_ports(),
        secrets=AsteriskSecrets(
            ami_secret=kept.get_or_create(AMI_SECRET),
            ari_secret=kept.get_or_create(ARI_SECRET),
            ami_recording_secret=kept.get_or_create(AMI_RECORDING_SECRET),
        ),
        configuration=configuration(
            folder / "configuration",
            {
                "CRM_SECRET": crm_secret,
                "PHONE_SECRET": phone_secret,
                "VOICEMAIL_PIN": str(secrets.randbelow(9000) + 1000),
                "AMI_READ": "call,system,agent",
                "OFFICE_EVENTS": _all_events() if all_events else "@EVENT_FILTERS@",
            },
        ),
    )
    await asterisk.start()
    bridge = BridgeProcess(
        state, asterisk.ports, free_http_port(), {**SETTINGS, **(settings or {})}
    )
    phones = {
        x: PlainPhone(x, phone_secret, (asterisk.ports.bind_address, asterisk.ports.sip))
        for x in PHONES
    }
    crm = PlainAmi()
    try:
        await bridge.start()
        await crm.open("127.0.0.1", asterisk.ports.ami, "crm", crm_secret)
        for phone in phones.values():
            await phone.start()
    except BaseException:
        await bridge.kill()
        await asterisk.stop()
        raise
    return Office(asterisk, bridge, phones, crm)


def configuration(folder: Path, values: Mapping[str, str]) -> Path:
    """Templates for LocalAsterisk: the office's, and of the shipped ones what fits any."""
    pbx, outside = folder / "pbx", folder / "public-network"
    pbx.mkdir(parents=True)
    shutil.copy(CONFIGURATION / "render.sh", folder)
    shutil.copytree(CONFIGURATION / "public-network", outside)
    for name in _TAKEN:
        shutil.copy(CONFIGURATION / "pbx" / f"{name}.conf", pbx)
    for file in (OFFICE / "asterisk" / "pbx").glob("*.conf"):
        text = file.read_text()
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        (pbx / file.name).write_text(text)
    more = pbx / "office-modules.conf"
    shipped = (CONFIGURATION / "pbx" / "modules.conf").read_text()
    (pbx / "modules.conf").write_text(f"{shipped}\n{more.read_text()}")
    more.unlink()
    with (outside / "extensions.conf").open("a") as extensions:
        extensions.write((OFFICE / "asterisk/public-network/carriers.conf").read_text())
    with (outside / "modules.conf").open("a") as modules:
        modules.write("\nload = app_senddtmf.so\n")
    return folder


def _all_events() -> str:
    """Filters of the old form, which every version reads."""
    return "\n".join(f"eventfilter = !^Event: {x}[^A-Za-z]" for x in _NOT_RECORDED.split())
