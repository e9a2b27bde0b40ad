"""From the command to the first call being possible."""

from __future__ import annotations

import time
from pathlib import Path

from bridge.config.secrets_file import AMI_RECORDING_SECRET, AMI_SECRET, ARI_SECRET, SecretsFile
from bridge.local_asterisk.local_asterisk import AsteriskSecrets, LocalAsterisk
from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.lab.installation import test_installation
from bridge.testing.softphones.ports import free_port

from .figures import Measure, difference
from .plan import Plan
from .progress import progress


async def start_up(folder: Path, plan: Plan) -> tuple[list[float], list[float]]:
    """Seconds of `uapi-bridge serve`, and of its two Asterisks without it, by round.

    Both with everything that a first start leaves behind: compiled modules, secrets, phones,
    database.
    """
    state = folder / "state"
    secrets = SecretsFile.open(state / "secrets.json")
    ports = free_asterisk_ports(bind_address="127.0.0.23", public_network_address="127.0.0.24")
    installation = await test_installation()
    asterisk = LocalAsterisk(
        installation=installation,
        state_dir=state / "asterisk",
        ports=ports,
        secrets=AsteriskSecrets(
            ami_secret=secrets.get_or_create(AMI_SECRET),
            ari_secret=secrets.get_or_create(ARI_SECRET),
            ami_recording_secret=secrets.get_or_create(AMI_RECORDING_SECRET),
        ),
    )
    settings = {
        "pbx_host": "",
        "asterisk": "path" if installation.root is None else "root",
        "bind_address": ports.bind_address,
        "public_network_address": ports.public_network_address,
        "public_network_port": str(ports.public_network_sip),
        "rtp_port_min": str(ports.rtp_start),
        "rtp_port_max": str(ports.rtp_end),
    }
    await _whole_s(BridgeProcess(state, ports, free_port(), settings))  # the first start
    whole, alone = [], []
    for number in range(plan.start_rounds):
        progress(f"start, round {number + 1} of {plan.start_rounds}")
        service = BridgeProcess(state, ports, free_port(), settings)
        whole.append(await _whole_s(service))
        alone.append(await _alone_s(asterisk))
    return whole, alone


async def _whole_s(service: BridgeProcess) -> float:
    began = time.monotonic()
    await service.start()
    took_s = time.monotonic() - began
    await service.stop()
    return took_s


async def _alone_s(asterisk: LocalAsterisk) -> float:
    began = time.monotonic()
    await asterisk.start()
    took_s = time.monotonic() - began
    await asterisk.stop()
    return took_s


def start_up_measure(whole: list[float], alone: list[float]) -> Measure:
    return difference("start to ready, warm", "s", whole, "its Asterisk alone", alone, 1)
