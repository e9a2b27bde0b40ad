"""The wheel, built and installed as its users do it, in a folder that holds nothing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.local_asterisk.local_asterisk import CONFIGURATION
from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.lab.installation import test_installation

from .installed_wheel import ROOT


def test_given_the_wheel_when_installed_then_all_of_the_configuration_is_in_it(
    program: Path,
) -> None:
    [shipped] = program.parents[1].glob("lib/python*/site-packages/bridge/local_asterisk/shipped")
    ours = {str(x.relative_to(CONFIGURATION)) for x in CONFIGURATION.rglob("*") if x.is_file()}
    installed = shipped / "asterisk-conf"

    assert not installed.is_symlink()
    assert {str(x.relative_to(installed)) for x in installed.rglob("*") if x.is_file()} == ours
    assert os.access(installed / "render.sh", os.X_OK)
    assets = Path("bridge/http/reference_page/assets")
    assert files_of(shipped.parents[2] / assets) == files_of(ROOT / assets)
    compose = (ROOT / "docker-compose.yml").read_text()
    assert (shipped / "docker-compose.yml").read_text() == compose


def files_of(folder: Path) -> set[Path]:
    return {x.relative_to(folder) for x in folder.rglob("*") if x.is_file()}


@pytest.fixture
def empty_folder() -> Iterator[Path]:
    """With a short name: a Unix socket is made far below it."""
    with tempfile.TemporaryDirectory(prefix="wheel-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


async def test_given_the_wheel_when_served_in_an_empty_folder_then_a_call_is_answered(
    program: Path, empty_folder: Path
) -> None:
    installation = await test_installation()
    ports = free_asterisk_ports()
    bridge = BridgeProcess(
        empty_folder / "state",
        ports,
        free_http_port(),
        {
            "asterisk": "path" if installation.root is None else "root",
            "bind_address": ports.bind_address,
            "rtp_port_min": str(ports.rtp_start),
            "rtp_port_max": str(ports.rtp_end),
            "public_network_address": ports.public_network_address,
            "public_network_port": str(ports.public_network_sip),
            # Empty, as not given: what the package finds by itself.
            "pbx_host": "",
            "phone_media_address": "",
            "directory_file": "",
            "state_dir": "",
        },
    )
    bridge.command, bridge.working_folder = (program,), empty_folder

    await bridge.start(wait_ready=False)
    try:
        await bridge.wait_ready(60)
        async with bridge.client() as api:
            # The destination hangs up one second after it has answered.
            call_id = await api.place(["3235550202"], ["3235551001"], extension="210")
            assert (await api.wait_ended(call_id, 30))["disposition"] == 0
    finally:
        await bridge.stop()
