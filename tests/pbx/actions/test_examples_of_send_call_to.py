"""The examples of docs/actions.md that ring a phone, as they are written there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab

PAGE = Path(__file__).parents[3] / "docs" / "actions.md"
BODIES: list[dict[str, Any]] = [
    json.loads(x) for x in re.findall(r'^    (\{"action".*\})$', PAGE.read_text(), re.MULTILINE)
]
OURS = [x for x in BODIES if x["action"] in ("Monitor", "Whisper", "BargeIn", "PickUp", "UnPark")]


def test_the_page_has_an_example_of_each_kind() -> None:
    assert [x["action"] for x in OURS] == ["Whisper", "PickUp", "UnPark"]


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("body", OURS, ids=lambda x: x["action"])
async def test_given_an_example_of_the_page_when_sent_then_it_does_as_the_page_says(
    lab: RunningLab, api: ApiClient, body: dict[str, Any]
) -> None:
    picks_up = body["action"] == "PickUp"
    async with (
        lab.phone("0003*210", answer="auto"),
        lab.phone("0003*211", answer="manual" if picks_up else "auto"),
        lab.phone("0003*212", answer="auto") as boss,
    ):
        call_id = await api.place(["210"], ["211"])
        await api.wait_status(call_id, 4 if picks_up else 5)

        path = f"/uapi/phoneCalls/@me/0003*210/{call_id}"
        if body["action"] == "UnPark":
            [park] = [x for x in BODIES if x["action"] == "Park"]
            parked = await api.request("PUT", path, body=park)
            assert parked.status == 200, parked.text
            path = f"/uapi/phoneCalls/@me/@self/{call_id}"

        answer = await api.request("PUT", path, body=body)

        assert answer.status == 200, answer.text
        await boss.wait_established()
        live = answer.json
        assert (live["id"] == call_id) is (body["action"] in ("PickUp", "UnPark"))
