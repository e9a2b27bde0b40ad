"""A queue of somebody's own queues.conf: its name, its fixed members, members behind Locals."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.directory.loader import EXAMPLE_FILE
from bridge.local_asterisk.local_asterisk import CONFIGURATION
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from tests.pbx.queues.queue_client import QUEUE, agents, put_status

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUEUES = """
[general]
persistentmembers = yes

[support]
strategy = ringall
member => PJSIP/0003*211
member => Local/212@phones/n,0,Carol
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    folder = tmp_path_factory.mktemp("own-queue")
    configuration = folder / "asterisk-conf"
    shutil.copytree(CONFIGURATION, configuration)
    (configuration / "pbx" / "queues.conf").write_text(QUEUES)
    head, _, rest = EXAMPLE_FILE.read_text().partition("        queue:\n")
    rest = rest[rest.index("      - number: 0003*400") :]
    file = folder / "directory.yaml"
    file.write_text(f"{head}        queue: {{name: support}}\n{rest}")
    settings = {"directory_file": str(file), "queues_file": str(folder / "none" / "queues.conf")}
    async with await open_lab(folder / "lab", settings, configuration=configuration) as lab:
        yield lab


async def test_given_fixed_members_when_asked_then_they_can_be_paused_and_logged_out(
    api: ApiClient,
) -> None:
    assert await agents(api) == {"0003*211": "1", "0003*212": "1"}
    assert (await put_status(api, "0003*212", 2)).status == 200
    assert await agents(api) == {"0003*211": "1", "0003*212": "2"}
    assert (await put_status(api, "0003*211", 0)).status == 200
    assert (await put_status(api, "0003*212", 0)).status == 200
    assert await agents(api) == {"0003*211": "0", "0003*212": "0"}
    assert (await put_status(api, "0003*211", 1)).status == 200
    assert (await put_status(api, "0003*212", 1)).status == 200
    assert await agents(api) == {"0003*211": "1", "0003*212": "1"}


async def test_given_a_member_that_a_phone_logged_in_when_asked_then_an_app_logs_it_out_and_in(
    lab: RunningLab, api: ApiClient
) -> None:
    await lab.asterisk.pbx.console("queue add member PJSIP/0003*213 to support")
    assert (await agents(api))["0003*213"] == "1"
    assert (await put_status(api, "0003*213", 0)).status == 200
    assert (await agents(api))["0003*213"] == "0"
    assert (await put_status(api, "0003*213", 1)).status == 200
    unknown = await put_status(api, "0003*214", 1)
    assert (unknown.status, unknown.code) == (400, "qag_agent_invalid")


async def test_given_the_queue_or_the_module_is_missing_when_asked_then_501_names_it(
    lab: RunningLab, api: ApiClient
) -> None:
    queues = lab.bridge.state_dir.parent / "asterisk" / "pbx" / "conf" / "queues.conf"
    queues.write_text(QUEUES.replace("[support]", "[other]"))
    await lab.asterisk.pbx.console("queue reload all")
    missing = await api.request("GET", f"{QUEUE}/agents")
    assert (missing.status, missing.code) == (501, "request_not_implemented")
    assert "[support]" in missing.message
    await lab.asterisk.pbx.console("module unload app_queue.so")
    missing = await api.request("GET", f"{QUEUE}/callers")
    assert (missing.status, missing.code) == (501, "request_not_implemented")
    assert "app_queue" in missing.message
