"""`Prefer: handling=strict`: what is not understood is an error, and nothing is done."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.openapi_check import openapi, resolved

from .whole_service import WholeService

pytestmark = pytest.mark.asyncio(loop_scope="module")

STRICT = {"Prefer": "handling=strict"}
CREATE = "/uapi/phoneCalls/@me/simple"
CALLS = "/uapi/phoneCalls/@me/@self"
EVENTS = "/uapi/extensions/@me/0003*210/phoneCallEvents"
CALL = {"extension": "210", "phoneCallView": [{"source": ["210"], "destination": ["211"]}]}
EVENT = {"type": "2", "url": "https://receiver.example:8443/hook"}


@pytest_asyncio.fixture(loop_scope="module")
async def subscription(api: ApiClient) -> AsyncIterator[str]:
    made = await api.request("POST", EVENTS, body=EVENT)
    assert made.status == 200, made.text
    yield str(made.json["id"])
    await api.request("DELETE", EVENTS)


def refused(answer: Answer, names: str) -> None:
    assert (answer.status, answer.code) == (400, "request_invalid"), answer.text
    assert answer.message == f"These parameters are not understood: {names}."
    assert answer.headers["Preference-Applied"] == "handling=strict"
    assert "X-Ignored-Parameters" not in answer.headers


def operations() -> list[tuple[str, str, Any]]:
    """Method, path and example body of each operation that can be asked for strict handling."""
    return [
        (method.upper(), path, body_of(operation))
        for path, item in openapi()["paths"].items()
        for method, operation in item.items()
        if method in ("get", "post", "put", "delete")
        and "Prefer" in [resolved(x)["name"] for x in operation.get("parameters", ())]
    ]


def body_of(operation: dict[str, Any]) -> Any:
    content = operation.get("requestBody", {}).get("content", {})
    return content.get("application/json", {}).get("example")


def filled(path: str, subscription: str) -> str:
    """The path with a user, an extension of the right type, and ids."""
    of_type = {"/queue/": "0003*300", "/conference/": "0003*500"}
    extension = next((x for part, x in of_type.items() if part in path), "0003*210")
    values = {
        "userId": "12",
        "extension": extension,
        "agent": "210",
        "phoneCallId": "nosuch",
        "eventType": "2",
        "eventId": subscription,
        "deliveryId": "0",
    }
    return re.sub(r"\{(\w+)\}", lambda x: values[x[1]], path)


async def test_every_route_of_the_unified_api_can_be_strict() -> None:
    of_it = {(method, path) for method, path, _ in operations()}
    all_ = {
        (method.upper(), path)
        for path, item in openapi()["paths"].items()
        for method in item.keys() & {"get", "post", "put", "delete"}
        if path.startswith("/uapi/") and path != "/uapi/faxes"
    }
    assert of_it == all_


@pytest.mark.parametrize(("method", "path", "body"), operations())
async def test_given_an_unknown_parameter_when_strict_then_each_route_refuses_it(
    api: ApiClient, subscription: str, method: str, path: str, body: object
) -> None:
    query = {"nosuch": "1", "other[x]": "2"}
    path = filled(path, subscription)
    answer = await api.request(method, path, params=query, body=body, headers=STRICT)
    refused(answer, "nosuch, other[x]")
    kept = await api.request("GET", EVENTS)
    assert [(x["id"], x["url"]) for x in kept.json["entry"]] == [(subscription, EVENT["url"])]


@pytest.mark.parametrize(
    ("query", "body", "names"),
    [
        ({"note": "x"}, CALL, "note"),
        ({}, {**CALL, "a\r\nb": 1}, "a??b"),
        ({"x": "1"}, {**CALL, "y": 1, "phoneCallView": [{"source": 210, "to": 1}]}, "x, y, phone"),
    ],
)
@pytest.mark.parametrize("more", [{}, {"Idempotency-Key": "order 18"}])
async def test_given_an_unknown_name_when_a_call_is_created_strictly_then_nothing_is_dialled(
    running: WholeService,
    api: ApiClient,
    query: dict[str, str],
    body: dict[str, object],
    names: str,
    more: dict[str, str],
) -> None:
    before = len(running.ami.actions("Originate"))
    headers = {**STRICT, **more}
    answer = await api.request("POST", CREATE, params=query, body=body, headers=headers)
    refused(answer, names.replace("phone", "phoneCallView.to"))
    assert await api.calls() == []
    # The next call is the next Originate: none of the refused one is on its way.
    call_id = await api.place("210", "211", extension="210")
    await running.ami.wait_for_action("Originate", before + 1)
    await api.hang_up("@self", call_id)
    await running.refuse_last()
    await api.wait_ended(call_id)
    assert len(running.ami.actions("Originate")) == before + 1


async def test_given_a_live_call_when_an_unknown_name_is_refused_then_it_goes_on(
    running: WholeService, api: ApiClient, live_call: str
) -> None:
    before = len(running.ami.actions("Originate"))
    deleted = await api.request("DELETE", CALLS, params={"number": "211"}, headers=STRICT)
    refused(deleted, "number")
    act = {"action": "Monitor", "sendCallTo": "212", "loud": 1}
    refused(await api.request("PUT", f"{CALLS}/{live_call}", body=act, headers=STRICT), "loud")
    assert [x["id"] for x in await api.calls()] == [live_call]
    assert len(running.ami.actions("Originate")) == before


async def test_given_a_misspelt_parameter_when_strict_then_it_has_its_own_code(
    api: ApiClient,
) -> None:
    query = {"callduration": "60"}
    answer = await api.request("POST", CREATE, params=query, body=CALL, headers=STRICT)
    assert (answer.status, answer.code) == (400, "pc_duration_invalid")


async def test_given_only_what_is_understood_when_strict_then_it_is_done_and_told_so(
    running: WholeService, api: ApiClient
) -> None:
    key = {**STRICT, "Idempotency-Key": "order 19"}
    query = {"callDuration": "60", "accessRequestToken": "none"}
    answer = await api.request("POST", CREATE, params=query, body=CALL, headers=key)
    assert answer.status == 202, answer.text
    assert answer.headers["Preference-Applied"] == "handling=strict"
    call_id = answer.json[0]["id"]
    await api.hang_up("@self", call_id)
    await running.refuse_last()
    await api.wait_ended(call_id)


async def test_given_a_call_placed_before_when_repeated_strictly_then_its_answer_comes_again(
    running: WholeService, api: ApiClient
) -> None:
    key = {"Idempotency-Key": "order 20"}
    body = {**CALL, "note": 1}
    first = await api.request("POST", CREATE, body=body, headers=key)
    again = await api.request("POST", CREATE, body=body, headers={**key, **STRICT})
    assert (first.status, again.status, again.json) == (202, 202, first.json)
    assert "Preference-Applied" not in again.headers
    await api.hang_up("@self", first.json[0]["id"])
    await running.refuse_last()
    await api.wait_ended(first.json[0]["id"])


@pytest.mark.parametrize(
    "prefer",
    ["handling=lenient", "handling=lenient, handling=strict", "respond-async", "handling=strict x"],
)
async def test_given_any_other_preference_when_listed_then_an_unknown_name_is_only_named(
    api: ApiClient, prefer: str
) -> None:
    headers = {"Prefer": prefer}
    answer = await api.request("GET", CALLS, params={"nosuch": "1"}, headers=headers)
    assert (answer.status, answer.headers["X-Ignored-Parameters"]) == (200, "nosuch")
    assert "Preference-Applied" not in answer.headers
    assert "Prefer" in answer.headers["Vary"]
