"""What is not understood is named or refused: nobody pays for a default that he did not order."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from bridge.testing.lab.api_client import Answer, ApiClient
from tests.pbx.phone_call_events.subscriber import events_path

from .refusals import RINGS_FOR_EVER, create, refused

pytestmark = pytest.mark.asyncio(loop_scope="session")

CREATE = "/uapi/phoneCalls/@me/simple"
LIST = "/uapi/phoneCalls/@me/@self"
ORDER = {
    "extension": "210",
    "phoneCallView": [{"source": [RINGS_FOR_EVER], "destination": ["3235550201"]}],
}


async def create_with_query(api: ApiClient, *query: tuple[str, str]) -> Answer:
    return await api.request("POST", f"{CREATE}?{urlencode(query)}", body=ORDER)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("callduration", "pc_duration_invalid"),
        ("CallDuration", "pc_duration_invalid"),
        ("call_duration", "pc_duration_invalid"),
        ("callDuration[]", "pc_duration_invalid"),
        ("waitForPickup[]", "pc_timeout_invalid"),
        ("allowpublictransfer", "pc_transfer_invalid"),
        ("Video", "pc_video_invalid"),
        ("Recording", "pc_recording_invalid"),
    ],
)
async def test_given_a_parameter_in_another_spelling_when_created_then_it_is_refused(
    api: ApiClient, name: str, code: str
) -> None:
    answer = await create_with_query(api, (name, "1"))
    await refused(answer, api, code)
    assert "exactly so" in answer.message


async def test_given_a_parameter_twice_when_created_then_only_the_same_twice_is_taken(
    api: ApiClient,
) -> None:
    differs = ("callDuration", "60"), ("callDuration", "7200")
    await refused(await create_with_query(api, *differs), api, "pc_duration_invalid")
    same = await create_with_query(api, *[("callDuration", "60")] * 2)
    assert same.status == 202, same.text
    assert "X-Ignored-Parameters" not in same.headers


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"callDuration": 60}, "pc_duration_invalid"),
        ({"callDuration": -1}, "pc_duration_invalid"),
        ({"callduration": "60"}, "pc_duration_invalid"),
        ({"waitForPickup": 20}, "pc_timeout_invalid"),
        ({"allowPublicTransfer": True}, "pc_transfer_invalid"),
        ({"recording": True}, "pc_recording_invalid"),
        ({"Extension": "211"}, "extension_invalid"),
    ],
)
async def test_given_a_parameter_of_the_query_in_the_body_when_created_then_it_is_refused(
    api: ApiClient, body: dict[str, object], code: str
) -> None:
    await refused(await create(api, body=body), api, code)


async def test_given_what_changes_nothing_in_the_body_when_created_then_it_is_only_named(
    api: ApiClient,
) -> None:
    answer = await create(
        api, {"callDuration": "60"}, body={"callDuration": 60, "video": False, "note": "x"}
    )
    assert answer.status == 202, answer.text
    assert answer.headers["X-Ignored-Parameters"] == "callDuration, video, note"


async def test_given_unknown_names_when_created_then_they_are_in_a_header_that_is_safe(
    api: ApiClient,
) -> None:
    answer = await create(
        api, {"type": "x", "a\r\nSet-Cookie: b": "1"}, view={"callerid": "x", "é": 1}
    )
    assert answer.status == 202, answer.text
    named = "type, a??Set-Cookie??b, phoneCallView.callerid, phoneCallView.?"
    assert answer.headers["X-Ignored-Parameters"] == named


async def test_given_many_unknown_names_when_created_then_the_header_is_short(
    api: ApiClient,
) -> None:
    answer = await create(api, body={f"x{i}" * 30: 1 for i in range(300)})
    assert answer.status == 202, answer.text
    assert len(answer.headers["X-Ignored-Parameters"]) < 1_000


async def test_given_all_that_is_known_when_asked_then_there_is_no_such_header(
    api: ApiClient,
) -> None:
    token = await api.authenticate()
    known = {"waitForPickup": "9", "callDuration": "9", "fields": "id", "accessRequestToken": token}
    assert "X-Ignored-Parameters" not in (await create(api, known)).headers
    listing = {"count": "5", "startIndex": "0", "sortOrder": "asc", "ended": "false"}
    answer = await api.request("GET", LIST, params=listing)
    assert (answer.status, "X-Ignored-Parameters" in answer.headers) == (200, False)


async def test_given_a_misspelt_parameter_of_a_list_when_listed_then_it_is_named(
    api: ApiClient,
) -> None:
    answer = await api.request("GET", LIST, params={"sortOder": "descending"})
    assert (answer.status, answer.headers["X-Ignored-Parameters"]) == (200, "sortOder")


@pytest.mark.parametrize("name", ["phonenumber", "phone_number", "PhoneNumber", "phoneNumber[]"])
async def test_given_a_misspelt_phone_number_when_deleted_then_nothing_is_hung_up(
    api: ApiClient, name: str
) -> None:
    created = await create(api)
    call_id = created.json[0]["id"]
    answer = await api.request("DELETE", LIST, params={name: "3235550201"})
    assert (answer.status, answer.code) == (400, "pc_phonenumber_invalid")
    assert [x["id"] for x in await api.calls()] == [call_id]
    await api.leave_no_call()


async def test_given_an_event_with_an_unknown_field_when_created_then_it_is_named(
    api: ApiClient,
) -> None:
    path = events_path("210")
    event = {"type": "2", "url": "https://example.com/", "urll": "x", "retries": 3}
    created = await api.request("POST", path, body=event)
    assert created.headers["X-Ignored-Parameters"] == "urll, retries"
    deleted = await api.request("DELETE", path)
    assert deleted.status == 200
