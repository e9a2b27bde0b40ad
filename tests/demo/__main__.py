"""Two softphones register, the API places a call, both hear each other, a DELETE ends it."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from bridge.local_asterisk.errors import LocalAsteriskError
from bridge.testing.lab.running_lab import open_lab
from bridge.testing.softphones.toolchain import ensure_phone_tools
from tests.demo.showing import show_call
from tests.demo.timeline import StepFailed, Timeline


async def main() -> int:
    ensure_phone_tools()
    timeline = Timeline()
    with tempfile.TemporaryDirectory(prefix="uapi-bridge-demo-") as folder:
        lab = await timeline.step("Asterisk and uapi-bridge are ready", open_lab(Path(folder)))
        try:
            await show_call(lab, timeline)
        finally:
            await lab.close()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except (StepFailed, LocalAsteriskError) as why:
        sys.exit(f"the demo failed: {why}")
