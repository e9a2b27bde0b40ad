"""Only the process that is meant is ended, gently first."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bridge.local_asterisk.orphan_process import end_orphan_process

_WAITS = "import sys,time; print(1, flush=True); time.sleep(100)"  # until it is ended
_STAYS = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {_WAITS}"


@asynccontextmanager
async def process(code: str, argument: str) -> AsyncIterator[asyncio.subprocess.Process]:
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, argument, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert started.stdout is not None
        await started.stdout.readline()  # it has set its signals
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


@pytest.mark.parametrize(
    ("code", "ending"), [(_WAITS, signal.SIGTERM), (_STAYS, signal.SIGKILL)], ids=["ends", "stays"]
)
async def test_given_an_orphan_when_ended_then_by_force_only_if_it_stays(
    code: str, ending: signal.Signals
) -> None:
    async with process(code, "/state/asterisk.conf") as orphan:
        await end_orphan_process(orphan.pid, b"/state/asterisk.conf", timeout_s=0.5)
        assert await orphan.wait() == -ending


async def test_given_a_process_without_the_argument_when_ended_then_it_is_left_alone() -> None:
    async with process(_WAITS, "/other/asterisk.conf") as other:
        await end_orphan_process(other.pid, b"/state/asterisk.conf", timeout_s=0.5)
        assert other.returncode is None


async def test_given_no_process_when_ended_then_nothing_is_done() -> None:
    gone = await asyncio.create_subprocess_exec("true")
    await gone.wait()
    await end_orphan_process(gone.pid, b"true", timeout_s=0.5)
