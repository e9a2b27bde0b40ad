"""An instance with a fault (instance_with_fault.py) as a child process."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bridge.storage.fence import Fence
from bridge.testing.eventually import eventually

_ROOT = Path(__file__).parents[2]
_ENDS_WITHIN_S = 30.0


class InstanceProcess:
    """`said`: its lines, each as words."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.said: list[list[str]] = []

    def kill(self) -> None:
        self._process.kill()

    async def frozen(self) -> None:
        """Return once it stands still."""
        await eventually(self._stands_still, 30)

    async def thaw(self) -> None:
        """Let it go on, and return once it has ended."""
        self._process.send_signal(signal.SIGCONT)
        await self.ended()

    async def ended(self) -> None:
        async with asyncio.timeout(_ENDS_WITHIN_S):
            await self._process.wait()
            assert self._process.stdout is not None
            text = (await self._process.stdout.read()).decode()
        self.said += [line.split() for line in text.splitlines()]

    def words(self, first: str) -> list[list[str]]:
        """What follows that word, in each line that begins with it."""
        return [x[1:] for x in self.said if x[0] == first]

    def _stands_still(self) -> bool:
        assert self._process.returncode is None, "it has ended"
        stat = Path(f"/proc/{self._process.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"


@asynccontextmanager
async def instance_process(
    database_url: str, ami_port: int, fence: Fence, fault: str, *, lasts_s: float = 3600.0
) -> AsyncIterator[InstanceProcess]:
    """Started, and killed at the end of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", f"{__package__}.instance_with_fault"),
        *(database_url, str(ami_port), str(fence.epoch), fence.holder, str(lasts_s), fault),
        stdout=asyncio.subprocess.PIPE,
        cwd=_ROOT,
    )
    try:
        yield InstanceProcess(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
