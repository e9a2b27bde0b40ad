"""The examples of docs/streams.md, run as they stand there."""

from __future__ import annotations

import asyncio
import json
import os
import re
from pathlib import Path

import pytest

from bridge.testing.lab.api_client import ApiClient

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = (Path(__file__).parents[3] / "docs" / "streams.md").read_text()


def example(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


async def test_curl_shows_the_state_and_each_change(api: ApiClient) -> None:
    token = api.token or await api.authenticate()
    shell = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        f"exec {example('sh').replace('curl -N', 'curl -sN')}",
        env={**os.environ, "URL": api.base_url, "TOKEN": token},
        stdout=asyncio.subprocess.PIPE,
    )
    assert shell.stdout is not None
    lines: list[str] = []
    try:
        async with asyncio.timeout(20):
            while not any(x.startswith("event: state") for x in lines):
                lines.append((await shell.stdout.readline()).decode())
            call_id = await api.place(["3235550201"], ["3235550202"], extension="210")
            await api.wait_status(call_id, 5)
            await api.hang_up("210", call_id)
            while '"ended"' not in lines[-1]:
                lines.append((await shell.stdout.readline()).decode())
    finally:
        shell.kill()
        await shell.wait()
    assert json.loads(lines[-1].removeprefix("data: "))["id"] == call_id
