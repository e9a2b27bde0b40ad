"""POST …/simple refused: every specified error, on wrong values of every kind.

The table is in docs/reference/specification.md §4.
"""

from __future__ import annotations

from typing import Any

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab

from .refusals import RINGS_FOR_EVER, create, refused

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_given_the_request_that_the_others_change_when_created_then_it_is_accepted(
    api: ApiClient,
) -> None:
    answer = await create(api)

    assert answer.status == 202


@pytest.mark.parametrize(
    "extension",
    ["999", "0003*999", "0004*210", "220", "@self", "", "abc", "3235550180", {}, [], True, 1.5, -1],
    ids=repr,
)
async def test_given_extension_is_no_phone_of_the_user_when_created_then_extension_invalid(
    api: ApiClient, extension: object
) -> None:
    await refused(await create(api, body={"extension": extension}), api, "extension_invalid")


@pytest.mark.parametrize("extension", ["300", "400", "500", "0003*300"])
async def test_given_extension_is_no_phone_terminal_when_created_then_extension_invalid(
    api: ApiClient, extension: str
) -> None:
    await refused(await create(api, body={"extension": extension}), api, "extension_invalid")


@pytest.mark.parametrize("source", [[RINGS_FOR_EVER], ["220"], [], None, ["@self"]], ids=repr)
async def test_given_no_extension_and_first_source_is_none_of_the_user_then_extension_invalid(
    api: ApiClient, source: object
) -> None:
    answer = await create(api, view={"source": source}, body={"extension": None})

    await refused(answer, api, "extension_invalid")


@pytest.mark.parametrize("duration", ["0", "-1", "abc", "", "1.5", "14401", "9" * 40, "²", "+5"])
async def test_given_call_duration_is_no_number_from_1_to_the_maximum_then_pc_duration_invalid(
    api: ApiClient, duration: str
) -> None:
    await refused(await create(api, {"callDuration": duration}), api, "pc_duration_invalid")


BAD_NUMBERS: list[Any] = [
    [],
    None,
    "",
    {},
    [None],
    [""],
    ["x"],
    ["999"],
    ["0003*999"],
    ["0004*210"],
    ["0004*00"],
    ["0003*210*1"],
    ["@self"],
    [True],
    [1.5],
    [["210"]],
    ["210", "x"],
    ["+"],
    ["19005550100"],
    ["210\r\nAction: Hangup"],
    ["PJSIP/0003*210"],
    ["210&PJSIP/0003*211"],
    ["1" * 16],
    ["1" * 1000],
    ["٣٢٣٥٥٥٠١٨٠"],
    ["3235550180"] * 11,
]


@pytest.mark.parametrize("numbers", BAD_NUMBERS, ids=lambda x: ascii(x)[:40])
@pytest.mark.parametrize("name", ["source", "destination"])
async def test_given_a_number_that_the_caller_cannot_reach_when_created_then_its_list_is_invalid(
    api: ApiClient, name: str, numbers: object
) -> None:
    await refused(await create(api, view={name: numbers}), api, f"pc_{name}_invalid")


@pytest.mark.parametrize("name", ["source", "destination"])
async def test_given_extension_may_not_call_public_when_a_party_is_public_then_its_list_is_invalid(
    api: ApiClient, name: str
) -> None:
    view: dict[str, object] = {"source": ["214"], "destination": ["211"], name: [RINGS_FOR_EVER]}

    answer = await create(api, view=view, body={"extension": "214"})

    await refused(answer, api, f"pc_{name}_invalid")
    assert "0003*214" in answer.message


@pytest.mark.parametrize("views", [None, [], {}, "x", [[]], [{}, {}], 5], ids=repr)
async def test_given_no_phone_call_view_when_created_then_pc_source_invalid(
    api: ApiClient, views: object
) -> None:
    await refused(await create(api, body={"phoneCallView": views}), api, "pc_source_invalid")


@pytest.mark.parametrize("wait", ["0", "-5", "abc", "", "2.5", "301", "9" * 40])
async def test_given_wait_for_pickup_is_no_number_above_0_when_created_then_pc_timeout_invalid(
    api: ApiClient, wait: str
) -> None:
    await refused(await create(api, {"waitForPickup": wait}), api, "pc_timeout_invalid")


BAD_CALLER_IDS: list[Any] = [
    "",
    "John Doe",
    "John Doe <>",
    "John <12",
    "John 12>",
    "<<12>>",
    "Jo\r\nX: y <12>",
    "Jo\u2028 <12>",
    "Jo\ud800 <12>",
    "Jo <12;x>",
    "Jo <+>",
    "J" * 81 + " <12>",
    "山" * 67 + " <12>",
    "Jo <" + "1" * 33 + ">",
    True,
    1.5,
    ["Jo <12>"],
    {"name": "Jo"},
]


@pytest.mark.parametrize("caller_id", BAD_CALLER_IDS, ids=lambda x: ascii(x)[:40])
@pytest.mark.parametrize("name", ["callerId", "callerIdDestination", "callerDestination"])
async def test_given_a_caller_id_of_another_form_when_created_then_pc_callerid_invalid(
    api: ApiClient, name: str, caller_id: object
) -> None:
    await refused(await create(api, view={name: caller_id}), api, "pc_callerid_invalid")


@pytest.mark.parametrize("name", ["callerId", "callerIdDestination", "callerDestination"])
async def test_given_extension_may_not_set_caller_id_when_it_is_set_then_pc_callerid_invalid(
    api: ApiClient, name: str
) -> None:
    answer = await create(api, view={name: "Jo <1234567>"}, body={"extension": "213"})

    await refused(answer, api, "pc_callerid_invalid")
    assert "not allowed" in answer.message


@pytest.mark.parametrize("value", ["maybe", "", "2", "yes", "null"])
async def test_given_allow_public_transfer_is_no_boolean_when_created_then_pc_transfer_invalid(
    api: ApiClient, value: str
) -> None:
    await refused(await create(api, {"allowPublicTransfer": value}), api, "pc_transfer_invalid")


@pytest.mark.parametrize("value", ["maybe", "", "2"])
async def test_given_video_is_no_boolean_when_created_then_pc_video_invalid(
    api: ApiClient, value: str
) -> None:
    await refused(await create(api, {"video": value}), api, "pc_video_invalid")


@pytest.mark.parametrize(
    "nonce", ["", "n" * 256, "a\nb", "a\x00b", "\ud800", True, 1.5, ["n"], {}], ids=ascii
)
async def test_given_nonce_is_no_printable_string_when_created_then_pc_nonce_invalid(
    api: ApiClient, nonce: object
) -> None:
    await refused(await create(api, body={"nonce": nonce}), api, "pc_nonce_invalid")


async def test_given_an_unknown_field_is_asked_for_when_created_then_fields_invalid(
    api: ApiClient,
) -> None:
    answer = await create(api, {"fields": "id,colour"})

    await refused(answer, api, "fields_invalid")
    assert "colour" in answer.message


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"x"', b"null", b"\xff\xfe", b"[" * 50_000, b'{"nonce": ' + b"1" * 5000],
    ids=lambda x: str(x[:12]),
)
async def test_given_a_body_that_is_no_json_object_when_created_then_request_invalid(
    api: ApiClient, body: bytes
) -> None:
    answer = await api.request("POST", "/uapi/phoneCalls/@me/simple", body=body)

    await refused(answer, api, "request_invalid")


async def test_given_a_body_above_the_limit_when_created_then_413(api: ApiClient) -> None:
    answer = await create(api, body={"x": "x" * 70_000})

    assert (answer.status, answer.code) == (413, "request_too_large")


@pytest.mark.parametrize("source", [["210"], ["0003*210"], ["210", "211"], [210]], ids=repr)
async def test_given_no_phone_of_the_sources_is_registered_when_created_then_refused_at_once(
    api: ApiClient, source: list[object]
) -> None:
    ended = await api.ended_calls()

    answer = await create(api, view={"source": source})

    await refused(answer, api, "pc_source_invalid")
    assert await api.ended_calls() == ended
    assert "no phone is registered" in answer.message
    for number in source:
        assert str(number) in answer.message


async def test_given_an_administrator_when_short_numbers_are_used_then_they_do_not_exist(
    lab: RunningLab,
) -> None:
    async with lab.client("administrator") as api:
        short = await create(api, user="12")
        source = await create(
            api, view={"source": ["210"]}, body={"extension": "0003*210"}, user="12"
        )
        destination = await create(
            api, view={"destination": ["211"]}, body={"extension": "0003*210"}, user="12"
        )

    assert (short.status, short.code) == (400, "extension_invalid")
    assert (source.status, source.code) == (400, "pc_source_invalid")
    assert (destination.status, destination.code) == (400, "pc_destination_invalid")
    for answer in (short, source, destination):
        assert "extended form" in answer.message


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/uapi/phoneCalls", 404, "not_found"),
        ("GET", "/nothing", 404, "not_found"),
        ("PATCH", "/uapi/phoneCalls/@me/simple", 405, "method_not_allowed"),
        ("PUT", "/uapi/phoneCalls/@me/210/abc/", 400, "pc_action_invalid"),
        ("POST", "/uapi/cdr/12/", 405, "method_not_allowed"),
        ("POST", "/uapi/faxes/@me/0003*210", 501, "request_not_implemented"),
    ],
)
async def test_given_a_route_that_is_not_served_when_requested_then_json_says_so(
    api: ApiClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await api.request(method, path, body={})

    assert (answer.status, answer.code) == (status, code)
