"""The programs of docs/client.md, run as they stand there."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from bridge.testing.lab.running_lab import RunningLab

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = (Path(__file__).parents[3] / "docs" / "client.md").read_text()


async def printed(lab: RunningLab, program: str) -> list[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        env={
            **os.environ,
            "URL": lab.bridge.base_url,
            "SECRET": lab.bridge.secret("app/user-12"),
        },
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(40):
        out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode().splitlines()


async def test_both_programs_do_as_the_page_says(lab: RunningLab) -> None:
    with_loop, without = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    said = await printed(lab, with_loop)
    assert said[-1].endswith(" api")
    assert any(x.startswith("ON_CALL") for x in said)
    ended, refused = await printed(lab, without)
    assert ended.startswith("['")
    assert refused.startswith("extension_invalid ")
