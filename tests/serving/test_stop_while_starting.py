"""SIGINT while Asterisk still boots: an orderly end, and nothing is left."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.asterisk_ports import free_asterisk_ports
from tests.lab.bridge_process import BridgeProcess
from tests.lab.free_port import free_http_port
from tests.lab.installation import test_installation

APPEARS_S = 20.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not below tmp_path: its name is too long for the Unix socket of an Asterisk."""
    with tempfile.TemporaryDirectory(prefix="stop-") as name:
        yield Path(name)


async def test_given_an_asterisk_that_boots_when_stopped_then_the_end_is_orderly(
    folder: Path,
) -> None:
    ports = free_asterisk_ports(bind_address="127.0.0.25", public_network_address="127.0.0.26")
    installation = await test_installation()
    service = BridgeProcess(
        folder / "s",
        ports,
        free_http_port(),
        {
            "pbx_host": "",
            "asterisk": "path" if installation.root is None else "root",
            "bind_address": ports.bind_address,
            "public_network_address": ports.public_network_address,
            "public_network_port": str(ports.public_network_sip),
        },
    )
    await service.start(wait_ready=False)
    pid = await pid_in(folder / "s" / "asterisk" / "pbx" / "pid", service)

    await service.stop()  # with exit code 0

    assert not Path(f"/proc/{pid}").exists()
    assert "Traceback" not in service.log_text()
    assert "is ready" not in service.log_text(), "too late to tell anything"


async def pid_in(file: Path, service: BridgeProcess) -> int:
    """Of the process that was just started; its pid is there long before it has booted."""
    text = ""
    deadline = time.monotonic() + APPEARS_S
    while time.monotonic() < deadline and not service.has_ended():
        text = file.read_text() if file.exists() else ""
        if text.endswith("\n"):
            return int(text)
        await asyncio.sleep(0.01)
    raise AssertionError(f"no Asterisk was started ({text!r}):\n{service.log_text()[-3000:]}")
