"""A lab of its own whose service is started anew with other limits for each test module's need."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.ports import free_port
from bridge.testing.softphones.toolchain import ensure_phone_tools


@asynccontextmanager
async def open_limited_lab(folder: Path) -> AsyncIterator[RunningLab]:
    ensure_phone_tools()
    lab = await open_lab(folder)
    try:
        yield lab
    finally:
        await lab.close()


async def restart_with(lab: RunningLab, settings: Mapping[str, str]) -> None:
    """The same Asterisk and state, another service."""
    await lab.bridge.stop()
    lab.bridge = BridgeProcess(lab.bridge.state_dir, lab.asterisk.ports, free_port(), settings)
    await lab.bridge.start()
