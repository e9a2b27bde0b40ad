"""Each task that the service needs is killed once: readiness says so by name, and `serve` ends."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.config.settings import Settings
from bridge.supervision.tasks import supervisor
from bridge.testing.eventually import eventually
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.softphones.ports import free_port
from bridge.wiring.service import Service

# All that `Service` starts; `reload_signal` belongs to `serve`.
TASKS = [
    "age_limit",
    "ami_session_bridge",
    "ami_session_bridge-recording",
    "browser_secrets",
    "conversation_hints",
    "conversation_rounds",
    "duration_limit",
    "purge",
    "purge_tokens",
    "recording_rounds",
    "resync",
    "storage_probe",
    "voicemail_hints",
    "voicemail_rounds",
    "write_queue",
]
ENDS_S = 60.0


@asynccontextmanager
async def running_service(folder: Path) -> AsyncIterator[str]:
    """A service in this process, for a PBX that is not there; its base URL."""
    port = free_http_port()
    settings = Settings(
        state_dir=folder / "state", http_port=port, pbx_host="127.0.0.1", ami_port=free_port()
    )
    async with Service(settings):
        yield f"http://127.0.0.1:{port}"


async def test_given_a_pbx_that_is_not_there_then_readiness_names_its_address(
    tmp_path: Path,
) -> None:
    async with running_service(tmp_path) as url, aiohttp.ClientSession() as client:

        async def names_both() -> Any:
            async with client.get(f"{url}/health/ready") as answer:
                body = await answer.json()
            named = "recordings" in body and body["pbx"]["why"].startswith("AMI at")
            return body if named else None

        body = await eventually(names_both, ENDS_S)
        assert body["pbx"]["why"].startswith("AMI at 127.0.0.1 port ")
        assert body["recordings"]["up"] is False
        assert body["recordings"]["why"].startswith("AMI at 127.0.0.1 port ")


async def test_these_are_all_tasks_that_must_live(tmp_path: Path) -> None:
    async with running_service(tmp_path):
        assert [x.name for x in supervisor().living] == TASKS
    assert supervisor().living == ()
    assert supervisor().problem == "", "none of them may die of an orderly stop"


@pytest.mark.parametrize("name", TASKS)
async def test_given_a_task_that_dies_then_the_service_is_not_ready_and_says_which(
    tmp_path: Path, name: str
) -> None:
    async with asyncio.timeout(ENDS_S), running_service(tmp_path) as url:
        [living] = [x for x in supervisor().living if x.name == name]
        living.task.cancel()
        assert await supervisor().until_a_task_died() == f"{name} has ended: cancelled"
        async with aiohttp.ClientSession() as client, client.get(f"{url}/health/ready") as answer:
            body = await answer.json()
        assert answer.status == 503
        assert body["tasks"] == {"up": False, "why": f"{name} has ended: cancelled"}
        assert body["error"]["code"] == "service_failed"
        assert name in body["error"]["message"]


@pytest.mark.parametrize(
    ("module", "owner", "method", "name"),
    [
        ("bridge.storage.write_queue", "WriteQueue", "_run", "write_queue"),
        ("bridge.command.reload_signal", "ReloadSignal", "reload_when_asked", "reload_signal"),
    ],
)
async def test_given_a_task_that_dies_then_serve_ends_with_an_error(
    tmp_path: Path, module: str, owner: str, method: str, name: str
) -> None:
    code = f"""
from {module} import {owner}
async def dies(*_):
    raise RuntimeError("by the test")
{owner}.{method} = dies
from bridge.cli import main
main()
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        code,
        "serve",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ
        | {
            "BRIDGE_STATE_DIR": str(tmp_path / "state"),
            "BRIDGE_HTTP_PORT": str(free_http_port()),
            "BRIDGE_PBX_HOST": "127.0.0.1",
            "BRIDGE_AMI_PORT": str(free_port()),
        },
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), ENDS_S)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 1, output.decode()
    assert f"{name} has ended: RuntimeError: by the test" in output.decode()
