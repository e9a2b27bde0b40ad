"""A PBX that comes later than the service is patient: it is greeted all the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.config.secrets_file import AMI_RECORDING_SECRET, AMI_SECRET, ARI_SECRET
from bridge.local_asterisk.local_asterisk import AsteriskSecrets, LocalAsterisk
from bridge.testing.eventually import eventually
from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.lab.installation import test_installation


async def test_given_a_pbx_that_is_late_when_it_comes_then_the_service_greets(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("late")
    ports = free_asterisk_ports()
    service = BridgeProcess(folder / "s", ports, free_http_port(), {"boot_timeout_s": "0.5"})
    await service.start(wait_ready=False)
    try:
        await eventually(lambda: "not_ready_yet" in service.log_text(), 30)
        secrets = secrets_of(service.state_dir)
        installation = await test_installation()
        asterisk = LocalAsterisk(
            installation=installation,
            state_dir=folder / "a",
            ports=ports,
            secrets=secrets,
            public_network=False,
        )
        await asterisk.start()
        try:
            await service.wait_ready()
            await eventually(lambda: "uapi-bridge is ready:" in service.log_text(), 10)
        finally:
            await asterisk.stop()
    finally:
        await service.stop()


def secrets_of(state: Path) -> AsteriskSecrets:
    """Those that the service has made at its start."""
    made = json.loads((state / "secrets.json").read_text())
    return AsteriskSecrets(
        ami_secret=made[AMI_SECRET],
        ari_secret=made[ARI_SECRET],
        ami_recording_secret=made[AMI_RECORDING_SECRET],
    )
