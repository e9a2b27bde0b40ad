"""`make serve` where Docker is found: Asterisk in containers, the service a process of the host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bridge.config.secrets_file import AMI_RECORDING_SECRET, AMI_SECRET, ARI_SECRET, SecretsFile
from bridge.local_asterisk.docker_engine import DockerAsterisk, project_of, why_no_docker
from bridge.local_asterisk.local_asterisk import AsteriskSecrets
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.lab.public_network import call_in_command
from bridge.testing.softphones.ports import free_port
from bridge.testing.softphones.softphone import Softphone
from tests.pbx.calls.live_calls import wait_statuses

from .compose_system import ComposeSystem

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def asterisk(
    compose_system: ComposeSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DockerAsterisk]:
    own = compose_system.another("outside", {})
    for name in ("BRIDGE_COMPOSE_TAG", "BRIDGE_COMPOSE_NET"):
        monkeypatch.setenv(name, own.settings[name])
    for name, value in own.docker.environment.items():
        monkeypatch.setenv(name, value)
    volumes = own.docker.names()["volume"]
    secrets = SecretsFile.open(tmp_path / "state" / "secrets.json")
    asterisk = DockerAsterisk(
        state_dir=tmp_path / "state" / "asterisk",
        ports=own.ports,
        secrets=AsteriskSecrets(
            ami_secret=secrets.get_or_create(AMI_SECRET),
            ari_secret=secrets.get_or_create(ARI_SECRET),
            ami_recording_secret=secrets.get_or_create(AMI_RECORDING_SECRET),
        ),
        report=print,
    )
    try:
        yield asterisk
    finally:
        await asterisk.stop()
        for volume in own.docker.names()["volume"] - volumes:
            own.docker("volume", "rm", volume)


async def test_given_docker_when_the_service_runs_outside_then_phones_hear_each_other(
    compose_system: ComposeSystem, asterisk: DockerAsterisk, tmp_path: Path
) -> None:
    assert await why_no_docker() is None
    await asterisk.start()
    media = {"phone_media_address": asterisk.media_address}
    bridge = BridgeProcess(tmp_path / "state", asterisk.ports, free_port(), media)
    await bridge.start()
    try:
        port = asterisk.ports.sip
        async with (
            Softphone("0003*210", bridge.secret("sip/0003*210"), port=port, answer="auto") as alice,
            bridge.client() as api,
        ):
            call_id = await api.place(["210"], ["3235550202"])
            await wait_statuses(api, call_id, 5, 5)
            await alice.wait_tone(1000)
            await api.hang_up("210", call_id)
            await alice.wait_closed()

            container = f"{project_of(tmp_path / 'state' / 'asterisk')}-public-network-1"
            command = call_in_command("5550003210", "3235550100", "", "tone")
            compose_system.docker("exec", container, "asterisk", "-rx", command)
            await alice.wait_tone(1000, 10)
            await asyncio.wait_for(api.hang_up(), 10)
    finally:
        await bridge.stop()
