"""`uapi-bridge serve` for a PBX that is not there, as a bare process."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bridge.testing.softphones.ports import free_port


@asynccontextmanager
async def unlinked_service(
    state_dir: Path, http_port: int, output: int, *before: str, stdin: int | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`output`: a descriptor for both streams; `before`: what stands before it on the command
    line. It is killed at the end where it still runs."""
    settings = {
        "BRIDGE_STATE_DIR": str(state_dir),
        "BRIDGE_HTTP_PORT": str(http_port),
        "BRIDGE_PBX_HOST": "127.0.0.1",
        "BRIDGE_AMI_PORT": str(free_port()),
    }
    code = "from bridge.cli import main; main()"
    process = await asyncio.create_subprocess_exec(
        *(*before, sys.executable, "-c", code, "serve"),
        stdin=stdin,
        stdout=output,
        stderr=output,
        env=os.environ | settings,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
