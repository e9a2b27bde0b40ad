"""Paths, methods and numbers as clients write them, where the meaning is beyond doubt."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from tests.lab.raw_http import send_raw
from tests.pbx.phone_call_events.subscriber import events_path

from .refusals import RINGS_FOR_EVER, create

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIST = "/uapi/phoneCalls/@me/@self"
UNKNOWN_TOKEN = "A" * 43


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def old_clients_lab(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[RunningLab]:
    settings = {"token_refused_status": "403", "nothing_deleted_status": "200"}
    lab = await open_lab(tmp_path_factory.mktemp("old-clients"), settings)
    try:
        yield lab
    finally:
        await lab.close()


async def raw(lab: RunningLab, method: str, target: str, token: str) -> Answer:
    headers = {"Host": "x", "Authorization": f"Bearer {token}"}
    return await send_raw(lab.bridge.base_url, f"{method} {target} HTTP/1.1", headers)


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/uapi/phoneCalls/@me//@self", 200),
        ("//uapi///phoneCalls//@me/@self//?count=1&x=a//b", 200),
        ("/uapi/cdr///", 200),
        ("/uapi/extensions//@me/0003*210//phoneCallEvents//", 200),
        ("//health//live", 200),
    ],
)
async def test_given_empty_path_segments_when_requested_then_they_are_one_slash(
    lab: RunningLab, api: ApiClient, target: str, status: int
) -> None:
    answer = await raw(lab, "GET", target, await api.authenticate())
    assert answer.status == status, answer.text


async def test_given_an_empty_segment_before_simple_when_created_then_the_call_is_placed(
    api: ApiClient,
) -> None:
    view = {"source": RINGS_FOR_EVER, "destination": "3235550201"}
    body = {"extension": "210", "phoneCallView": [view]}
    answer = await api.request("POST", "/uapi/phoneCalls/@me//simple", body=body)
    assert answer.status == 202, answer.text


@pytest.mark.parametrize(
    "path",
    [LIST, "/uapi/phoneCalls/@me/210/abc/", events_path("210"), f"{events_path('210')}/0"],
)
async def test_given_head_when_requested_then_it_is_get_without_the_body(
    lab: RunningLab, api: ApiClient, path: str
) -> None:
    token = await api.authenticate()
    got, head = await raw(lab, "GET", path, token), await raw(lab, "HEAD", path, token)
    assert (head.status, head.text) == (got.status, "") == (200, "")
    assert head.headers["Content-Length"] == got.headers["Content-Length"]
    assert head.headers["Content-Type"] == got.headers["Content-Type"]


@pytest.mark.parametrize("name", ["simple", "callback", "conferenceInvite", "simple/"])
async def test_given_a_create_resource_when_asked_with_another_method_then_allow_is_truthful(
    api: ApiClient, name: str
) -> None:
    for method in ("OPTIONS", "GET", "DELETE"):
        answer = await api.request(method, f"/uapi/phoneCalls/@me/{name}")
        assert (answer.status, answer.headers["Allow"]) == (405, "POST"), method


async def test_given_an_event_id_without_its_type_when_changed_and_deleted_then_it_is_that_event(
    api: ApiClient,
) -> None:
    path = events_path("210")
    event = {"type": "2", "url": "https://example.com/"}
    first, second = [(await api.request("POST", path, body=event)).json["id"] for _ in range(2)]
    changed = await api.request("PUT", f"{path}/{first}", body={"note": "changed"})
    assert (changed.status, changed.json["id"]) == (200, first)
    [shown] = (await api.request("GET", f"{path}/{first}/")).json["entry"]
    assert shown["note"] == "changed"
    deleted = await api.request("DELETE", f"{path}/{first}")
    assert (deleted.status, deleted.json) == (200, [{"id": first}])
    for target in (path, f"{path}/2", f"{path}/2/"):
        answer = await api.request("PUT", target, body={"note": "x"})
        assert (answer.status, answer.code) == (400, "pce_id_invalid"), target
    gone = await api.request("DELETE", f"{path}/{first}")
    assert (gone.status, gone.code) == (400, "pce_type_invalid")
    [left] = (await api.request("GET", path)).json["entry"]
    assert (left["id"], left.get("note")) == (second, None)
    await api.request("DELETE", path)


async def test_given_leading_zeros_when_requested_then_the_number_counts(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.client("organization-0003") as app:
        plain, zeros = [
            await app.request("GET", f"/uapi/phoneCalls/{user}/@self") for user in ("12", "0012")
        ]
        assert (zeros.status, zeros.text) == (plain.status, plain.text) == (200, plain.text)
        assert (await app.request("GET", "/uapi/phoneCalls/00/@self")).code == "user_invalid"
    answer = await create(api, {"callDuration": "0060", "waitForPickup": "009"})
    assert answer.status == 202, answer.text
    event = {"type": "02", "method": "01", "url": "https://example.com/"}
    created = await api.request("POST", events_path("210"), body=event)
    assert created.status == 200, created.text
    await api.request("DELETE", events_path("210"))


async def test_given_the_setting_for_old_clients_when_a_token_is_refused_then_403(
    old_clients_lab: RunningLab,
) -> None:
    lab = old_clients_lab
    refused = await raw(lab, "GET", LIST, UNKNOWN_TOKEN)
    assert (refused.status, refused.code) == (403, "access_denied")
    missing = await send_raw(lab.bridge.base_url, f"GET {LIST} HTTP/1.1", {"Host": "x"})
    assert (missing.status, missing.code) == (401, "access_denied")
    async with lab.client() as client:
        assert (await client.request("GET", LIST)).status == 200


async def test_given_the_setting_for_json_readers_when_nothing_is_deleted_then_an_empty_list(
    old_clients_lab: RunningLab, api: ApiClient
) -> None:
    async with old_clients_lab.client() as client:
        for path in (LIST, events_path("210")):
            answer = await client.request("DELETE", path)
            assert (answer.status, answer.json) == (200, [])
    for path in (LIST, events_path("210")):
        assert (await api.request("DELETE", path)).status == 204
