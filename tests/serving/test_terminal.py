"""SIGHUP: somebody's word to read the directory again, or the end of the terminal."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import sys
from pathlib import Path

import pytest

from tests.softphones.ports import free_port

_LIMIT_S = 20.0


async def until(text: str, log: Path) -> None:
    async with asyncio.timeout(_LIMIT_S):
        while text not in log.read_text():  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("before", [(), ("nohup",)], ids=["plain", "nohup"])
async def test_given_a_terminal_when_it_is_closed_then_the_service_ends_unless_told_to_stay(
    tmp_path: Path, before: tuple[str, ...]
) -> None:
    log = tmp_path / "log"
    settings = {
        "BRIDGE_STATE_DIR": str(tmp_path / "state"),
        "BRIDGE_HTTP_PORT": str(free_port()),
        "BRIDGE_PBX_HOST": "127.0.0.1",
        "BRIDGE_AMI_PORT": str(free_port()),
    }
    keyboard, terminal = pty.openpty()
    code = "from bridge.cli import main; main()"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *("setsid", "--ctty", *before, sys.executable, "-c", code, "serve"),
            stdin=terminal,
            stdout=output,
            stderr=output,
            env=os.environ | settings,
        )
    os.close(terminal)
    try:
        await until("ami_link_down", log)
        process.send_signal(signal.SIGHUP)
        await until("directory reloaded", log)
        os.close(keyboard)
        if before:
            await asyncio.sleep(1)
            assert process.returncode is None
            process.terminate()
        async with asyncio.timeout(_LIMIT_S):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
