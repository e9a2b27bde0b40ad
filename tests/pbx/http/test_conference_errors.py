"""POST …/conferenceInvite and …/conference/members: what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.testing.lab.api_client import Answer, ApiClient

from .refusals import RINGS_FOR_EVER

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def invite(
    api: ApiClient, query: str = "number=1235", extension: object = "500", **view: Any
) -> Answer:
    body = {"extension": extension, "phoneCallView": [{"destination": [RINGS_FOR_EVER], **view}]}
    return await api.request("POST", f"/uapi/phoneCalls/@me/conferenceInvite?{query}", body=body)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("number=1234", "pc_pin_invalid"),
        ("number=1234&pin=", "pc_pin_invalid"),
        ("number=1234&pin=98765", "pc_pin_invalid"),
        ("number=1234&pin=é", "pc_pin_invalid"),
        ("number=9999&pin=9876", "pc_number_invalid"),
        ("number=1234-&pin=9876", "pc_number_invalid"),
        ("Number=1235", "pc_number_invalid"),
        ("number=1235&waitForPickup=0", "pc_timeout_invalid"),
    ],
)
async def test_given_a_wrong_query_when_invited_then_its_code_is_answered(
    api: ApiClient, query: str, code: str
) -> None:
    answer = await invite(api, query)
    assert (answer.status, answer.code) == (400, code)


@pytest.mark.parametrize(
    ("extension", "view", "code"),
    [
        (None, {}, "extension_invalid"),
        ("0003*300", {}, "extension_invalid"),
        ("0003*210", {}, "extension_invalid"),
        ("500", {"source": ["211"]}, "pc_source_invalid"),
        ("500", {"destination": ["500"]}, "pc_destination_invalid"),
        ("500", {"destination": ["600"]}, "pc_destination_invalid"),
        ("500", {"destination": []}, "pc_destination_invalid"),
        ("500", {"destination": ["210"]}, "pc_destination_invalid"),  # no phone is registered
    ],
)
async def test_given_a_wrong_party_when_invited_then_its_code_is_answered(
    api: ApiClient, extension: object, view: dict[str, Any], code: str
) -> None:
    answer = await invite(api, extension=extension, **view)
    assert (answer.status, answer.code) == (400, code)


async def test_given_a_conference_without_a_pin_when_invited_then_any_pin_is_taken(
    api: ApiClient,
) -> None:
    for query in ("number=1235", "number=1235&pin=1"):
        answer = await invite(api, query, source="0003*500")
        assert answer.status == 202, answer.text
    ignored = await api.request(
        "POST",
        "/uapi/phoneCalls/@me/simple?number=1235",
        body={
            "extension": "210",
            "phoneCallView": {"source": RINGS_FOR_EVER, "destination": "3235550201"},
        },
    )
    assert ignored.headers["X-Ignored-Parameters"] == "number"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "0003*210/conference/members", 400, "extension_invalid"),
        ("GET", "@self/conference/members", 400, "extension_invalid"),
        ("GET", "500/conference/members?count=0", 400, "count_invalid"),
        ("PUT", "500/conference/members/abc", 409, "pc_action_failed"),
        ("DELETE", "500/conference/members/abc", 409, "pc_action_failed"),
    ],
)
async def test_given_a_member_that_is_not_there_when_asked_for_then_it_is_refused(
    api: ApiClient, method: str, path: str, status: int, code: str
) -> None:
    body = {"muted": 1} if method == "PUT" else None
    answer = await api.request(method, f"/uapi/extensions/@me/{path}", body=body)
    assert (answer.status, answer.code) == (status, code)


async def test_given_a_wrong_value_when_muted_then_it_is_refused(api: ApiClient) -> None:
    path = "/uapi/extensions/@me/500/conference/members/abc"
    for body in ({}, {"muted": "loud"}, {"Muted": 1}):
        answer = await api.request("PUT", path, body=body)
        assert (answer.status, answer.code) == (400, "conference_muted_invalid")
