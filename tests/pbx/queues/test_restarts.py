"""The status of an agent outlives a restart of the service and a crash of Asterisk."""

from __future__ import annotations

import pytest

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.pbx.queues.queue_client import agents, only, set_status

pytestmark = pytest.mark.asyncio(loop_scope="session")

SET = {
    "0003*210": "1",
    "0003*211": "0",
    "0003*212": "2",
    "0003*213": "1",
    "0003*214": "1",
}


async def wait_agents(api: ApiClient, wanted: dict[str, str]) -> None:
    """Return when the agents have these statuses; Asterisk may still be starting."""
    last = ""

    async def back() -> bool:
        nonlocal last
        answer = await api.request("GET", "/uapi/extensions/@me/0003*300/queue/agents")
        last = answer.text
        return answer.status == 200 and await agents(api) == wanted

    await eventually(back, 20, why=lambda: last)


async def test_given_statuses_of_agents_when_both_sides_restart_then_they_are_kept(
    lab: RunningLab, api: ApiClient
) -> None:
    await only(api, "0003*210", "0003*213", "0003*214")
    await set_status(api, 2, "0003*212")
    assert await agents(api) == SET

    await lab.bridge.stop()
    await lab.bridge.start()
    await wait_agents(api, SET)

    await lab.asterisk.kill()
    await lab.asterisk.start()
    await lab.bridge.wait_health(200)
    await wait_agents(api, SET)

    # Asterisk has lost everything: the file of queues, and its database.
    await lab.bridge.stop()
    await lab.asterisk.pbx.console("database deltree Queue")
    await lab.asterisk.kill()
    await lab.asterisk.start()
    await lab.bridge.start()
    await wait_agents(api, SET)
    await set_status(api, 1, "0003*211", "0003*212")
    assert lab.bridge.log_lines("error") == []
