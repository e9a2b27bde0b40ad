"""SIGHUP: somebody's word to read the directory again, or the end of the terminal."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
from pathlib import Path

import pytest

from bridge.testing.eventually import eventually
from bridge.testing.softphones.ports import free_port

from .unlinked_service import unlinked_service

_LIMIT_S = 60.0


async def until(text: str, log: Path) -> None:
    await eventually(lambda: text in log.read_text(), _LIMIT_S)


# Whoever runs the tests under nohup: the service must not inherit that where it is not meant.
_PLAIN = ("env", "--default-signal=HUP")


@pytest.mark.parametrize("before", [_PLAIN, ("nohup",)], ids=["plain", "nohup"])
async def test_given_a_terminal_when_it_is_closed_then_the_service_ends_unless_told_to_stay(
    tmp_path: Path, before: tuple[str, ...]
) -> None:
    log = tmp_path / "log"
    keyboard, terminal = pty.openpty()
    output = os.open(log, os.O_WRONLY | os.O_CREAT)
    command = ("setsid", "--ctty", *before)
    async with unlinked_service(
        tmp_path / "state", free_port(), output, *command, stdin=terminal
    ) as process:
        os.close(output)
        os.close(terminal)
        await until("ami_link_down", log)
        process.send_signal(signal.SIGHUP)
        await until("directory_reloaded", log)
        os.close(keyboard)
        if before != _PLAIN:
            await asyncio.sleep(1)  # in which it would have ended
            assert process.returncode is None
            process.terminate()
        async with asyncio.timeout(_LIMIT_S):
            assert await process.wait() == 0
