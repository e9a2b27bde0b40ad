"""Who can be called, who rings, who talks: as a receptionist sees it, with real phones."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import rings

PAGE = (Path(__file__).parents[3] / "docs" / "presence.md").read_text()

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def presence(api: ApiClient, extension: str = "@self", slash: str = "", **query: str) -> Any:
    path = f"/uapi/extensions/@me/{extension}/presence{slash}"
    answer = await api.request("GET", path, params=query)
    assert answer.status == 200, answer.text
    return answer.json


def shape(value: Any) -> Any:
    """The names of all fields, without their values."""
    if isinstance(value, dict):
        return {name: shape(x) for name, x in value.items()}
    return [shape(x) for x in value] if isinstance(value, list) else type(value).__name__


async def wait_status(api: ApiClient, extension: str, status: str) -> Any:
    """Poll until the extension has that status; returns its entry."""
    entry: Any = None

    async def got_there() -> Any:
        nonlocal entry
        [entry] = (await presence(api, extension))["entry"]
        return entry if entry["status"] == status else None

    return await eventually(
        got_there, timeout=10, why=lambda: f"{extension} is not {status}: {entry}"
    )


async def test_given_phones_when_they_register_ring_and_talk_then_the_presence_says_so(
    lab: RunningLab, api: ApiClient
) -> None:
    away = await wait_status(api, "0003*212", "0")
    assert away["registration"] == [{"registration": "-1"}]
    async with lab.phone("0003*210", answer="auto"), lab.scripted("0003*211", rings()):
        online = await wait_status(api, "210", "1")
        path, _of_the_stream = re.findall(r"http://127.0.0.1:8080(\S+)", PAGE)
        [shown] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
        asked = await api.request("GET", path)
        assert shape(asked.json) == shape(json.loads(shown))
        assert online["extension"] == "210"
        [registration] = online["registration"]
        assert registration["registration"] == "1"
        assert "baresip" in registration["agent"]
        assert registration["expire"].endswith("Z")
        assert registration["address"].rpartition(":")[2].isdigit()

        await api.place(["210"], ["0003*211"])
        await wait_status(api, "211", "2")
        await wait_status(api, "210", "3")
        await api.hang_up("210")
        await wait_status(api, "211", "1")
        await wait_status(api, "210", "1")
    assert (await wait_status(api, "0003*210", "0"))["registration"] == [{"registration": "-1"}]


async def test_given_requests_of_clients_when_listed_then_filter_fields_order_and_pages_work(
    api: ApiClient,
) -> None:
    listed = await presence(api, slash="/", count="20", startIndex="0")
    numbers = [x["extension"] for x in listed["entry"]]
    assert numbers == sorted(numbers)
    assert {"0003*210", "0003*300", "0003*500"} <= set(numbers)
    by_number = {x["extension"]: x for x in listed["entry"]}
    queue = by_number["0003*500"]
    assert (queue["status"], queue["registration"]) == ("1", [{"registration": "2"}])

    filtered = await presence(
        api,
        slash="/",
        filterBy="extension",
        filterOp="startsWith",
        filterValue="0003*21",
        fields="extension,status",
        sortOrder="descending",
        count="2",
        startIndex="1",
    )
    assert [x["extension"] for x in filtered["entry"]] == ["0003*214", "0003*213"]
    assert all(x.keys() == {"extension", "status"} for x in filtered["entry"])
    assert (filtered["totalResults"], filtered["itemsPerPage"]) == (6, 2)
    online = await presence(api, filterBy="status", filterValue="1")
    assert {x["status"] for x in online["entry"]} == {"1"}

    old_prefix = await api.request("GET", "/unifiedapi/extensions/12/0003*210/presence/")
    assert [x["extension"] for x in old_prefix.json["entry"]] == ["0003*210"]
    for query, code in (
        ({"fields": "phone"}, "fields_invalid"),
        ({"filterBy": "registration", "filterValue": "1"}, "filterby_invalid"),
        ({"count": "0"}, "count_invalid"),
    ):
        refused = await api.request("GET", "/uapi/extensions/@me/@self/presence", params=query)
        assert (refused.status, refused.code) == (400, code)
    other = await api.request("GET", "/uapi/extensions/@me/0003*220/presence")
    assert (other.status, other.code) == (400, "extension_invalid")
