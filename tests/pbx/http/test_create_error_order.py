"""POST …/simple with several things wrong: which one is answered."""

from __future__ import annotations

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab

from .refusals import create, refused

pytestmark = pytest.mark.asyncio(loop_scope="session")

Fields = dict[str, object]

# What makes one part of a request wrong: (code, query, view, body), in the order in which they are
# looked at.
WRONG: dict[str, tuple[str, dict[str, str], Fields, Fields]] = {
    "extension": ("extension_invalid", {}, {}, {"extension": "999"}),
    "duration": ("pc_duration_invalid", {"callDuration": "x"}, {}, {}),
    "source": ("pc_source_invalid", {}, {"source": ["x"]}, {}),
    "destination": ("pc_destination_invalid", {}, {"destination": ["x"]}, {}),
    "wait": ("pc_timeout_invalid", {"waitForPickup": "0"}, {}, {}),
    "caller id": ("pc_callerid_invalid", {}, {"callerId": "x<"}, {}),
    "transfer": ("pc_transfer_invalid", {"allowPublicTransfer": "maybe"}, {}, {}),
    "video": ("pc_video_invalid", {"video": "maybe"}, {}, {}),
    "nonce": ("pc_nonce_invalid", {}, {}, {"nonce": ""}),
    "fields": ("fields_invalid", {"fields": "colour"}, {}, {}),
}
ORDER = list(WRONG)


@pytest.mark.parametrize(
    ("first", "second"),
    [(a, b) for i, a in enumerate(ORDER) for b in ORDER[i + 1 :]],
)
async def test_given_two_parts_are_wrong_when_created_then_the_first_in_the_order_is_answered(
    api: ApiClient, first: str, second: str
) -> None:
    code, query, view, body = WRONG[first]
    _, more_query, more_view, more_body = WRONG[second]

    answer = await create(api, query | more_query, view | more_view, body | more_body)

    await refused(answer, api, code)


@pytest.mark.parametrize("second", ORDER)
async def test_given_the_user_and_another_part_are_wrong_when_created_then_user_invalid(
    api: ApiClient, second: str
) -> None:
    _, query, view, body = WRONG[second]

    await refused(await create(api, query, view, body, user="99"), api, "user_invalid")


@pytest.mark.parametrize(
    ("user", "body", "code"),
    [
        ("99", {}, "user_invalid"),
        ("@owner", {}, "extension_invalid"),
        ("@owner", {"extension": "999"}, "extension_invalid"),
        ("@me", {}, "extension_invalid"),
        ("@me", {"extension": "999"}, "extension_invalid"),
        ("@me", {"extension": "210"}, "pc_source_invalid"),
    ],
    ids=repr,
)
async def test_given_nearly_nothing_when_created_then_the_first_that_is_missing_is_answered(
    api: ApiClient, user: str, body: dict[str, object], code: str
) -> None:
    answer = await api.request("POST", f"/uapi/phoneCalls/{user}/simple", body=body)

    await refused(answer, api, code)


async def test_given_the_user_is_wrong_and_the_body_is_no_json_when_created_then_request_invalid(
    api: ApiClient,
) -> None:
    answer = await api.request("POST", "/uapi/phoneCalls/99/simple", body=b"{")

    await refused(answer, api, "request_invalid")


async def test_given_everything_is_wrong_and_no_token_when_created_then_access_denied(
    lab: RunningLab, api: ApiClient
) -> None:
    async with api.http.post(f"{lab.bridge.base_url}/uapi/phoneCalls/99/simple", data=b"{") as got:
        body = await got.json()

    assert (got.status, body["error"]["code"]) == (401, "access_denied")


@pytest.mark.parametrize("wrong", ORDER)
async def test_given_nothing_can_ring_and_another_part_is_wrong_then_the_other_part_is_answered(
    api: ApiClient, wrong: str
) -> None:
    code, query, view, body = WRONG[wrong]

    answer = await create(api, query, {"source": ["211"], **view}, body)

    await refused(answer, api, code)
