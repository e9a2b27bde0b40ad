"""A log that cannot be written: the service goes on, and says so once it can."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from bridge.config.log_output import LogOutput
from bridge.testing.eventually import eventually
from bridge.testing.softphones.ports import free_port

from .unlinked_service import unlinked_service

_LIMIT_S = 60.0


class FullDisk(io.StringIO):
    full = True

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


def test_given_a_full_disk_when_there_is_space_again_then_the_lost_lines_are_counted() -> None:
    disk = FullDisk()
    output = LogOutput(disk, lambda lines: f"{lines} lost")
    for line in ("one\n", "two\n"):
        output.write(line)
    disk.full = False
    for line in ("three\n", "four\n"):
        output.write(line)
    assert disk.getvalue() == "\n2 lost\nthree\nfour\n"


def test_given_a_closed_stream_when_written_then_nothing_is_raised() -> None:
    closed = io.StringIO()
    closed.close()
    LogOutput(closed, str).write("one\n")


async def test_given_a_log_on_a_full_disk_when_the_service_runs_then_it_works_and_ends(
    tmp_path: Path,
) -> None:
    port = free_port()
    full = os.open("/dev/full", os.O_WRONLY)
    async with unlinked_service(tmp_path / "state", port, full) as process:
        os.close(full)
        async with asyncio.timeout(_LIMIT_S), aiohttp.ClientSession() as session:
            assert await _answers(session, f"http://127.0.0.1:{port}/health/ready") == 503
        process.terminate()
        async with asyncio.timeout(_LIMIT_S):
            assert await process.wait() == 0


async def _answers(session: aiohttp.ClientSession, url: str) -> int:
    async def status() -> int:
        with contextlib.suppress(aiohttp.ClientError):
            async with session.get(url) as response:
                return response.status
        return 0

    return await eventually(status, _LIMIT_S)


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_given_text_that_commands_a_terminal_when_logged_then_it_is_one_harmless_line(
    log_format: str,
) -> None:
    program = (
        "import structlog\n"
        "from bridge.config.logging_setup import set_up_logging\n"
        "from bridge.config.settings import Settings\n"
        "set_up_logging(Settings())\n"
        "structlog.get_logger().info('refused', why='Ján', path='a\\n\\x1b[31m\\x9b1m\\u2028b')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"BRIDGE_LOG_FORMAT": log_format},
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.rstrip("\n").isprintable()
    assert "Ján" in done.stderr


async def test_given_thousands_of_refusals_when_one_address_sends_them_then_the_log_stays_short(
    tmp_path: Path,
) -> None:
    port, log_file = free_port(), tmp_path / "log"
    with log_file.open("wb") as log:
        async with (
            unlinked_service(tmp_path / "state", port, log.fileno()),
            asyncio.timeout(90),
            aiohttp.ClientSession() as session,
        ):
            base = f"http://127.0.0.1:{port}"
            await _answers(session, f"{base}/health/ready")
            found = 0
            while found < 1500:  # it is 503 while it starts
                async with session.get(f"{base}/{'A' * 190}{found}") as answer:
                    found += answer.status == 404
    lines = [x for x in log_file.read_text().splitlines() if "request_refused" in x]
    assert 55 <= len(lines) <= 130  # 60 a minute, and a minute may have passed
