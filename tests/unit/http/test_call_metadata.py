"""`metadata` of a create is repeated wherever the call is shown, and is bounded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bridge.client import UapiClient
from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.webhook_receiver import Receiver

from .whole_service import WholeService, whole_service

pytestmark = pytest.mark.asyncio(loop_scope="module")

VIEW = {"source": ["210"], "destination": ["211"]}
METADATA = {"ticket": 4711, "team": {"name": "Žofie", "tags": ["a", None, 1.5]}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeService]:
    folder = tmp_path_factory.mktemp("metadata")
    async with whole_service(folder, events_private_targets=True) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def api(running: WholeService) -> AsyncIterator[ApiClient]:
    async with running.client() as api:
        yield api


async def place(api: ApiClient, metadata: object, kind: str = "simple", **more: Any) -> Answer:
    body = {"extension": "210", "phoneCallView": [VIEW], "metadata": metadata, **more}
    return await api.request("POST", f"/uapi/phoneCalls/@me/{kind}", body=body)


async def over(running: WholeService, api: ApiClient, call_id: str) -> None:
    await running.refuse_last()
    await api.wait_ended(call_id)


async def test_given_metadata_when_the_call_is_shown_then_it_is_repeated(
    running: WholeService, api: ApiClient
) -> None:
    made = await place(api, METADATA)
    assert made.status == 202, made.text
    [item] = made.json
    assert item["metadata"] == METADATA
    live = await api.request("GET", "/uapi/phoneCalls/@me/210")
    assert [x["metadata"] for x in live.json["entry"]] == [METADATA]
    secret = running.service.directory.directory.apps["user-12"].client_secret
    async with UapiClient(running.base_url, "user-12", secret) as client:
        state = await anext(client.stream("210"))
        assert [x.metadata for x in state.calls] == [METADATA]
    await over(running, api, item["id"])
    ended = await api.request("GET", f"/uapi/phoneCalls/@me/210/{item['id']}?ended=true")
    assert ended.json["entry"][0]["metadata"] == METADATA
    records = await api.request("GET", "/uapi/cdr/@me?fields=id,metadata")
    [record] = [x for x in records.json["entry"].values() if x["id"] == item["id"]]
    assert record["metadata"] == METADATA


async def test_given_events_in_json_when_the_call_ends_then_its_app_gets_the_metadata(
    running: WholeService, api: ApiClient
) -> None:
    async with Receiver() as receiver:
        path = "/uapi/extensions/@me/210/phoneCallEvents"
        hook = {"type": "2", "url": receiver.url(), "method": 1, "format": "json"}
        assert (await api.request("POST", path, body=hook)).status == 200
        made = await place(api, METADATA)
        await over(running, api, made.json[0]["id"])
        await receiver.wait_count(1)
        assert receiver.received[0].json["metadata"] == METADATA
        await api.request("DELETE", path)


async def test_given_client_of_ours_when_it_places_a_call_then_the_metadata_is_in_its_answer(
    running: WholeService, api: ApiClient
) -> None:
    secret = running.service.directory.directory.apps["user-12"].client_secret
    async with UapiClient(running.base_url, "user-12", secret) as client:
        made = await client.create_call("210", "211", extension="210", metadata={"a": 1})
    assert made.metadata == {"a": 1}
    await over(running, api, made.id)


def nested(depth: int) -> dict[str, Any]:
    return {"a": nested(depth - 1)} if depth > 1 else {}


@pytest.mark.parametrize(
    "metadata",
    [
        [],
        "text",
        1,
        True,
        {"a": "x" * 2041},
        nested(11),
        {"a": 2**64},
        {"a": float("nan")},
        {"a": "\ud800"},
    ],
)
async def test_given_odd_metadata_when_created_then_it_is_refused(
    api: ApiClient, metadata: object
) -> None:
    refused = await place(api, metadata)
    assert (refused.status, refused.code) == (400, "pc_metadata_invalid"), refused.text


async def test_given_metadata_at_its_limits_when_created_then_it_is_taken(
    running: WholeService, api: ApiClient
) -> None:
    for metadata in ({"a": "x" * 2040}, nested(10), {}):
        made = await place(api, metadata)
        assert made.status == 202, made.text
        assert made.json[0]["metadata"] == metadata
        await over(running, api, made.json[0]["id"])


async def test_given_metadata_spelled_otherwise_when_created_then_it_is_not_lost_in_silence(
    api: ApiClient,
) -> None:
    refused = await place(api, None, Metadata={})
    assert (refused.status, refused.code) == (400, "pc_metadata_invalid")
