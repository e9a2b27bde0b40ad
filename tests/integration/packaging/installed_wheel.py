"""Builds the wheel and installs it as its users do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.lab.installation import test_installation

ROOT = Path(__file__).resolve().parents[3]


def _pip(*arguments: str) -> None:
    # --no-index: all that it needs is here, whatever this machine's index is.
    subprocess.run(
        [sys.executable, "-m", "pip", *arguments],
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INDEX": "1"},
        check=True,
        timeout=110,
    )


def install_wheel(folder: Path) -> Path:
    """`uapi-bridge` of an environment in `folder`, which has the libraries of ours."""
    # A copy: a build leaves what it made, and takes what an earlier one left.
    source, wheels = folder / "source", folder / "wheels"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "docker-compose.yml"):
        shutil.copy(ROOT / name, source)
    for name in ("bridge", "asterisk-conf"):
        shutil.copytree(ROOT / name, source / name, symlinks=True)
    build = ("--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels))
    _pip("wheel", "-q", *build, str(source))
    [wheel] = wheels.glob("uapi_bridge-*.whl")
    environment = folder / "environment"
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True, timeout=60
    )
    [packages] = environment.glob("lib/python*/site-packages")
    # A folder named in a .pth is searched, and its own .pth files, as of our checkout, are not.
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = str(environment / "bin" / "python")
    _pip("--python", python, "install", "-q", "--no-deps", str(wheel))
    return environment / "bin" / "uapi-bridge"


@asynccontextmanager
async def serving(
    program: Path, folder: Path, settings: Mapping[str, str] | None = None
) -> AsyncIterator[BridgeProcess]:
    """The program serves in `folder`, with an Asterisk of its own, until the end of the block."""
    installation = await test_installation()
    ports = free_asterisk_ports()
    bridge = BridgeProcess(
        folder / "state",
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
            **(settings or {}),
        },
    )
    bridge.command, bridge.working_folder = (program,), folder
    await bridge.start(wait_ready=False)
    try:
        await bridge.wait_ready(60)
        yield bridge
    finally:
        await bridge.stop()
