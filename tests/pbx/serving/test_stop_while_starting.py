"""SIGINT while Asterisk still boots: an orderly end, and nothing is left."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.testing.eventually import eventually
from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.lab.installation import test_installation

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


SLOW = """#!/bin/sh
echo $$ >{pid}
exec sleep 60
"""


@pytest.mark.parametrize(
    ("source", "program"), [("docker", "docker"), ("path", "asterisk"), ("root", "mmdebstrap")]
)
async def test_given_an_asterisk_that_is_looked_for_or_built_when_stopped_then_it_ends_at_once(
    folder: Path, source: str, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A supervisor's patience is over long before a build of minutes."""
    pid_file = folder / "pid"
    slow = folder / "bin" / program
    slow.parent.mkdir()
    slow.write_text(SLOW.format(pid=pid_file))
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    ports = free_asterisk_ports()
    settings = {"pbx_host": "", "asterisk": source, "phone_media_address": ""}
    service = BridgeProcess(folder / "s", ports, free_http_port(), settings)
    await service.start(wait_ready=False)
    pid = await pid_in(pid_file, service)
    began = time.monotonic()

    await service.stop()  # with exit code 0

    assert time.monotonic() - began < 10
    assert not Path(f"/proc/{pid}").exists()
    assert "Traceback" not in service.log_text()
    assert not list(folder.glob("cache/uapi-bridge/*.building-*"))


async def pid_in(file: Path, service: BridgeProcess) -> int:
    """Of the process that was just started; its pid is there long before it has booted."""

    def text() -> str:
        return file.read_text() if file.exists() else ""

    await eventually(
        lambda: text().endswith("\n") or service.has_ended(),
        APPEARS_S,
        why=lambda: f"no Asterisk was started:\n{service.log_text()[-3000:]}",
    )
    return int(text())
