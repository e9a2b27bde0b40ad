"""Strategy, members and times of a queue come from the directory, also by a reload."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bridge.directory.loader import EXAMPLE_FILE
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.sipp_behaviour import rings
from bridge.testing.softphones.toolchain import ensure_phone_tools
from tests.pbx.calls.live_calls import wait_no_calls
from tests.pbx.queues.queue_client import agents, put_status, set_status, wait_callers

pytestmark = pytest.mark.asyncio(loop_scope="session")

MEMBERS = "members: [0003*210, 0003*211, 0003*212, 0003*213, 0003*214]"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("strategy") / "directory.yaml"
    file.write_text(EXAMPLE_FILE.read_text())
    return file


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(
    directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningLab]:
    ensure_phone_tools()
    settings = {"directory_file": str(directory)}
    async with await open_lab(tmp_path_factory.mktemp("strategy-lab"), settings) as lab:
        yield lab


async def test_given_a_linear_queue_when_the_directory_says_so_then_agents_ring_in_their_order(
    lab: RunningLab, api: ApiClient, directory: Path
) -> None:
    text = directory.read_text()
    assert MEMBERS in text
    text = text.replace(MEMBERS, "members: [212, 0003*211]\n          announce_position_s: 300")
    text = text.replace("strategy: ringall", "strategy: linear")
    directory.write_text(text.replace("ring_s: 20", "ring_s: 2"))
    lab.bridge.reload()
    await eventually(
        lambda: any(x["event"] == "directory_reloaded" for x in lab.bridge.log_lines())
    )
    assert await agents(api) == {"0003*211": "1", "0003*212": "1"}
    gone = await put_status(api, "0003*210", 1)
    assert (gone.status, gone.code) == (400, "qag_agent_invalid")

    async with (
        lab.scripted("0003*211", rings()) as second,
        lab.scripted("0003*212", rings()) as first,
        lab.phone("0003*213") as caller,
    ):
        await caller.dial("300")
        await first.wait_ringing()
        assert second.incoming_invites == 0
        await second.wait_ringing()
        await caller.hangup()
        await wait_callers(api, 0)
    await wait_no_calls(api)
    # One that logs out and in keeps its place.
    await set_status(api, 0, "0003*212")
    await set_status(api, 1, "0003*212")
    async with (
        lab.scripted("0003*211", rings()) as second,
        lab.scripted("0003*212", rings()) as first,
        lab.phone("0003*213") as caller,
    ):
        await caller.dial("300")
        await first.wait_ringing()
        assert second.incoming_invites == 0
        await caller.hangup()
        await wait_callers(api, 0)
