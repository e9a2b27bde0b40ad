"""The fields of a subscription that are ours: several types, and the format."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

from bridge.testing.lab.api_client import ApiClient

from .whole_service import WholeService, whole_service

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVENTS = "/uapi/extensions/@me/210/phoneCallEvents"
URL = "https://receiver.example/hook"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeService]:
    async with whole_service(tmp_path_factory.mktemp("fields")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def api(running: WholeService) -> AsyncIterator[ApiClient]:
    async with running.client() as api:
        yield api
        await api.request("DELETE", EVENTS)


async def listed(api: ApiClient, *more: str) -> list[Any]:
    answer = await api.request("GET", "/".join((EVENTS, *more)))
    assert answer.status == 200, answer.text
    return list(answer.json["entry"])


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("2,0", "0,2"),
        ([2, "0", "2"], "0,2"),
        (["4"], "4"),
        ("0,1,2,3,4,100", "0,1,2,3,4,100"),
    ],
)
async def test_given_several_types_when_listed_then_each_is_there_once_in_order(
    api: ApiClient, given: object, shown: str
) -> None:
    made = await api.request("POST", EVENTS, body={"type": given, "url": URL})
    assert made.status == 200, made.text
    assert made.headers["X-Event-Secret"].startswith("whsec_")
    [item] = await listed(api)
    assert item["type"] == shown
    assert item["links"]["self"].endswith(f"/phoneCallEvents/{shown}/{item['id']}")
    for kind in [*shown.split(","), shown]:
        assert [x["id"] for x in await listed(api, kind)] == [item["id"]]
        assert [x["id"] for x in await listed(api, kind, item["id"])] == [item["id"]]
    same = await api.request("PUT", item["links"]["self"], body={"type": given, "note": "x"})
    assert same.status == 200, same.text


async def test_given_types_in_the_uri_when_created_then_they_count(api: ApiClient) -> None:
    made = await api.request("POST", f"{EVENTS}/2,1", body={"url": URL})
    assert made.status == 200, made.text
    assert [x["type"] for x in await listed(api)] == ["1,2"]
    assert await listed(api, "0,1") == []
    other = await api.request("POST", f"{EVENTS}/2,1", body={"url": URL, "type": "2"})
    assert (other.status, other.code) == (400, "pcet_type_invalid")


@pytest.mark.parametrize(
    "given", ["", ",", "2,", "2,7", "2 1", [], [[2]], [2, None], [True], [0] * 7, {}, "0," * 7]
)
async def test_given_odd_types_when_created_then_they_are_refused(
    api: ApiClient, given: object
) -> None:
    made = await api.request("POST", EVENTS, body={"type": given, "url": URL})
    assert (made.status, made.code) == (400, "pcet_type_invalid")


async def test_given_the_request_of_the_page_when_sent_then_a_secret_comes_back(
    api: ApiClient,
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "receiving-events.md").read_text()
    [body] = re.findall(r"-d '(\{.*\})'", page)
    made = await api.request("POST", EVENTS, body=orjson.loads(body))
    assert (made.status, made.headers["X-Event-Secret"][:6]) == (200, "whsec_"), made.text


async def test_given_json_when_listed_then_it_is_shown_and_can_be_changed(api: ApiClient) -> None:
    body = {"type": "2", "url": URL, "method": "1", "format": "json"}
    made = await api.request("POST", EVENTS, body=body)
    assert made.status == 200, made.text
    [item] = await listed(api)
    assert item["format"] == "json"
    one = f"{EVENTS}/2/{item['id']}"
    refused = await api.request("PUT", one, body={"method": "0"})
    assert (refused.status, refused.code) == (400, "pce_format_invalid")
    changed = await api.request("PUT", one, body={"method": "0", "format": "form"})
    assert changed.status == 200, changed.text
    [item] = await listed(api)
    assert "format" not in item


@pytest.mark.parametrize("given", ["JSON", "", 1, ["json"], {}])
async def test_given_another_format_when_created_then_it_is_refused(
    api: ApiClient, given: object
) -> None:
    body = {"type": "2", "url": URL, "method": "1", "format": given}
    made = await api.request("POST", EVENTS, body=body)
    assert (made.status, made.code) == (400, "pce_format_invalid")


async def test_given_json_without_post_when_created_then_it_is_refused(api: ApiClient) -> None:
    made = await api.request("POST", EVENTS, body={"type": "2", "url": URL, "format": "json"})
    assert (made.status, made.code) == (400, "pce_format_invalid")


async def a_subscription(api: ApiClient) -> tuple[str, str]:
    """Its path, and its secret."""
    made = await api.request("POST", EVENTS, body={"type": "2", "url": URL, "method": "1"})
    return f"{EVENTS}/2/{made.json['id']}", made.headers["X-Event-Secret"]


async def test_given_new_secret_when_replaced_then_both_sign_for_a_time(
    running: WholeService, api: ApiClient
) -> None:
    one, first = await a_subscription(api)
    key = {"Idempotency-Key": "secret"}
    done = await api.request("POST", f"{one}/secret/", headers=key)
    second = done.headers["X-Event-Secret"]
    assert (done.status, done.json["oldSecretUntil"][-1]) == (200, "Z")
    [subscription] = running.service.events.of_extension("0003*210")
    assert subscription.signing_secrets(0) == [second, first]
    again = await api.request("POST", f"{one}/secret", headers=key)
    assert (again.json, again.headers["X-Event-Secret"]) == (done.json, second)
    await api.request("PUT", one, body={"note": "x"})
    [subscription] = running.service.events.of_extension("0003*210")
    assert subscription.signing_secrets(0) == [second, first]
    at_once = await api.request("POST", f"{one}/secret", body={"keepSeconds": "0"})
    assert "oldSecretUntil" not in at_once.json
    [subscription] = running.service.events.of_extension("0003*210")
    assert subscription.signing_secrets(0) == [at_once.headers["X-Event-Secret"]]


async def test_given_two_old_secrets_when_replaced_once_more_then_it_is_refused(
    api: ApiClient,
) -> None:
    one, _ = await a_subscription(api)
    for _ in range(2):
        assert (await api.request("POST", f"{one}/secret")).status == 200
    refused = await api.request("POST", f"{one}/secret")
    assert (refused.status, refused.code) == (400, "pce_limit_reached")
    other = await api.request("POST", f"{EVENTS}/2/{'x' * 30}/secret")
    assert (other.status, other.code) == (400, "pce_id_invalid")


@pytest.mark.parametrize("given", [-1, 86_401, "a", True, 1.5, [], ""])
async def test_given_odd_time_when_a_secret_is_replaced_then_it_is_refused(
    api: ApiClient, given: object
) -> None:
    one, _ = await a_subscription(api)
    refused = await api.request("POST", f"{one}/secret", body={"keepSeconds": given})
    assert (refused.status, refused.code) == (400, "pce_secret_invalid")
