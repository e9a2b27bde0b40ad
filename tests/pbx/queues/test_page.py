"""docs/queues.md: its requests work, and their answers have the fields that it shows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.pbx.calls.live_calls import wait_no_calls
from tests.pbx.calls.test_presence import shape
from tests.pbx.queues.queue_client import QUEUE, only, wait_callers

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = (Path(__file__).parents[3] / "docs" / "queues.md").read_text()


def requests() -> list[tuple[str, str, Any]]:
    """Method, path and body of each curl of the page."""
    found = []
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL):
        method = re.search(r"-X (\w+)", block)
        [path] = re.findall(r"http://127.0.0.1:8080(\S+)", block)
        body = re.search(r"-d '([^']*)'", block)
        found.append((method[1] if method else "GET", path, json.loads(body[1]) if body else None))
    return found


async def test_given_the_pages_requests_when_sent_then_the_answers_are_as_shown(
    lab: RunningLab, api: ApiClient
) -> None:
    await only(api, "0003*210")
    async with lab.phone("0003*213") as caller:
        await caller.dial("300")
        await wait_callers(api, 1)
        answers = [(await api.request(x, path, body=body)) for x, path, body in requests()]
        await caller.hangup()
    await wait_no_calls(api)
    listed, changed, waiting = answers
    assert [x.status for x in answers] == [200, 200, 200]
    agents_shown, callers_shown = (
        json.loads(x) for x in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    )
    assert shape(listed.json["entry"][:1]) == shape(agents_shown["entry"])
    assert shape(waiting.json) == shape(callers_shown)
    assert changed.json[0]["status"] == "2"
    for code in re.findall(r"^\| `(\w+)` \| (?:400|409|501) ", PAGE, re.MULTILINE):
        assert code in (Path(__file__).parents[3] / "docs/reference/errors.md").read_text()
    assert (await api.request("GET", f"{QUEUE}/agents/0003*210")).json["entry"][0]["status"] == "2"
    await only(api, "0003*210", "0003*211", "0003*212", "0003*213", "0003*214")
