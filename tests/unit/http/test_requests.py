"""Requests of an app, and the answer to each: what a request asks for is checked field by field.

The order of errors is that of docs/reference/specification.md §4.
"""

from __future__ import annotations

import asyncio
import json
import re

import aiohttp
import pytest

from bridge.testing.lab.api_client import Answer, ApiClient

from .whole_service import WholeService

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATE = "/uapi/phoneCalls/@me/simple"
CALLBACK = "/uapi/phoneCalls/@me/callback"
CALLS = "/uapi/phoneCalls/@me/@self"
EVENTS = "/uapi/extensions/@me/0003*210/phoneCallEvents"
URL = "https://receiver.example:8443/hook"


def said(answer: Answer) -> str:
    return answer.code if answer.status >= 400 else ""


def call(**view: object) -> dict[str, object]:
    return {
        "extension": "210",
        "phoneCallView": [{"source": ["210"], "destination": ["211"], **view}],
    }


@pytest.mark.parametrize(
    ("query", "body", "status", "code"),
    [
        ({}, [], 400, "request_invalid"),
        ({}, {**call(), "extension": {}}, 400, "extension_invalid"),
        ({}, {"phoneCallView": [{"source": [], "destination": ["211"]}]}, 400, "extension_invalid"),
        ({}, {**call(), "extension": "999"}, 400, "extension_invalid"),
        ({}, {**call(), "extension": "300"}, 400, "extension_invalid"),
        ({"callDuration": "0"}, call(), 400, "pc_duration_invalid"),
        ({"callDuration": "long"}, call(), 400, "pc_duration_invalid"),
        ({}, {"extension": "210"}, 400, "pc_source_invalid"),
        ({}, {"extension": "210", "phoneCallView": [1]}, 400, "pc_source_invalid"),
        ({}, call(source=[]), 400, "pc_source_invalid"),
        ({}, call(source=["210"] * 11), 400, "pc_source_invalid"),
        ({}, call(source=[True]), 400, "pc_source_invalid"),
        ({}, call(source=["12345678901234567890123456789012345"]), 400, "pc_source_invalid"),
        ({}, call(destination=None), 400, "pc_destination_invalid"),
        ({}, call(destination=["no number"]), 400, "pc_destination_invalid"),
        ({"waitForPickup": "0"}, call(), 400, "pc_timeout_invalid"),
        ({"waitForPickup": "301"}, call(), 400, "pc_timeout_invalid"),
        ({}, call(callerId=["x"]), 400, "pc_callerid_invalid"),
        ({}, call(callerId="Jo <not a number>"), 400, "pc_callerid_invalid"),
        ({}, call(callerIdDestination=True), 400, "pc_callerid_invalid"),
        ({"allowPublicTransfer": "perhaps"}, call(), 400, "pc_transfer_invalid"),
        ({"video": "2"}, call(), 400, "pc_video_invalid"),
        ({}, {**call(), "nonce": ""}, 400, "pc_nonce_invalid"),
        ({}, {**call(), "nonce": True}, 400, "pc_nonce_invalid"),
        ({}, {**call(), "nonce": "a\nb"}, 400, "pc_nonce_invalid"),
        ({"recording": "maybe"}, call(), 400, "pc_recording_invalid"),
    ],
)
async def test_given_a_wrong_field_when_a_call_is_created_then_the_answer_names_it(
    running: WholeService,
    api: ApiClient,
    query: dict[str, str],
    body: object,
    status: int,
    code: str,
) -> None:
    before = len(running.ami.actions("Originate"))
    answer = await api.request("POST", CREATE, params=query, body=body)
    assert (answer.status, said(answer)) == (status, code), answer.text
    assert len(running.ami.actions("Originate")) == before


@pytest.mark.parametrize(
    ("user", "status", "code"),
    [("nobody", 400, "user_invalid"), ("99", 400, "user_invalid"), ("21", 400, "user_invalid")],
)
async def test_given_a_user_of_nobody_when_a_call_is_created_then_the_user_is_named(
    api: ApiClient, user: str, status: int, code: str
) -> None:
    answer = await api.request("POST", f"/uapi/phoneCalls/{user}/simple", body=call())
    assert (answer.status, said(answer)) == (status, code), answer.text


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ({}, call()),
        ({}, {"phoneCallView": {"source": 210, "destination": 211}}),
        ({}, call(source=["210", "212"], destination=["3235550201"])),
        ({"callDuration": "60", "waitForPickup": "5", "video": "1"}, call(callerId="Jo <+33344>")),
        ({"allowPublicTransfer": "true"}, call(callerDestination="+33344")),
        ({"recording": "true"}, {**call(), "nonce": 7}),
    ],
)
async def test_given_a_call_in_each_spelling_when_created_then_it_is_dialled_listed_and_hung_up(
    running: WholeService, api: ApiClient, query: dict[str, str], body: object
) -> None:
    before = len(running.ami.actions("Originate"))
    answer = await api.request("POST", CREATE, params=query, body=body)
    assert answer.status == 202, answer.text
    call_id = answer.json[0]["id"]
    await running.ami.wait_for_action("Originate", before + 1)
    [listed] = await api.calls("@self", call_id)
    assert listed["id"] == call_id
    ended = await api.hang_up("@self", call_id)
    assert (ended.status, ended.json) == (200, [{"id": call_id}])
    await running.refuse_last()
    record = await api.wait_ended(call_id)
    assert record["id"] == call_id


async def test_given_a_key_when_the_create_is_repeated_then_the_first_answer_comes_again(
    running: WholeService, api: ApiClient
) -> None:
    before = len(running.ami.actions("Originate"))
    key = {"Idempotency-Key": "order 17"}
    first = await api.request("POST", CREATE, body=call(), headers=key)
    again = await api.request("POST", CREATE, body=call(), headers=key)
    other = await api.request("POST", CREATE, body=call(destination=["212"]), headers=key)
    long = await api.request("POST", CREATE, body=call(), headers={"Idempotency-Key": "x" * 256})
    assert (first.status, again.status, again.json) == (202, 202, first.json)
    assert (other.status, long.status) == (409, 400), (other.text, long.text)
    assert len(running.ami.actions("Originate")) == before + 1
    await api.hang_up("@self", first.json[0]["id"])
    await running.refuse_last()
    await api.wait_ended(first.json[0]["id"])


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"count": "0"}, "count_invalid"),
        ({"count": "5001"}, "count_invalid"),
        ({"startIndex": "-1"}, "startindex_invalid"),
        ({"sortOrder": "up"}, "sortorder_invalid"),
        ({"filterBy": "colour"}, "filterby_invalid"),
        ({"filterBy": "id", "filterOp": "likes", "filterValue": "1"}, "filterop_invalid"),
        ({"filterBy": "id"}, "filtervalue_invalid"),
        ({"filterBy": "published", "filterValue": "yesterday"}, "filtervalue_invalid"),
        (
            {"filterBy": "id", "filterOp": "inArray", "filterValue": ",".join(["x"] * 101)},
            "filtervalue_invalid",
        ),
    ],
)
@pytest.mark.parametrize("path", [CALLS, f"{CALLS}?ended=true", "/uapi/cdr"])
async def test_given_a_wrong_page_when_a_list_is_asked_for_then_the_parameter_is_named(
    api: ApiClient, path: str, query: dict[str, str], code: str
) -> None:
    answer = await api.request("GET", path, params=query)
    assert (answer.status, said(answer)) == (400, code), answer.text


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"source": "x*y"}, "cdr_source_invalid"),
        ({"destination": "abc"}, "cdr_destination_invalid"),
        ({"startDate": "yesterday"}, "cdr_startdate_invalid"),
        ({"saveEndDate": "2026-13-01"}, "cdr_saveenddate_invalid"),
        ({"disposition": "9"}, "cdr_disposition_invalid"),
        ({"flow": "up"}, "cdr_flow_invalid"),
        ({"filterBy": "source", "filterOp": "contains", "filterValue": "2"}, "filterop_invalid"),
        ({"filterBy": "source", "filterValue": "abc"}, "filtervalue_invalid"),
    ],
)
async def test_given_a_wrong_question_when_call_records_are_asked_for_then_it_is_named(
    api: ApiClient, query: dict[str, str], code: str
) -> None:
    answer = await api.request("GET", "/uapi/cdr", params=query)
    assert (answer.status, said(answer)) == (400, code), answer.text


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"source": " 3235550201", "destination": "210", "flow": "4", "disposition": "0"},
        {"startDate": "2026-01-01T00:00:00Z", "saveEndDate": "2036-01-01T00:00:00Z"},
        {"filterBy": "source", "filterOp": "inArray", "filterValue": "210,0003*211,5550003212"},
        {"filterBy": "id", "filterOp": "startsWith", "filterValue": "a", "sortOrder": "desc"},
        {"filterBy": "published", "filterOp": "greaterThan", "filterValue": "1970-01-01T00:00:00Z"},
        {"count": "1", "startIndex": "1", "fields": "id,published"},
    ],
)
async def test_given_a_question_when_call_records_are_asked_for_then_a_page_comes(
    api: ApiClient, query: dict[str, str]
) -> None:
    for path in ("/uapi/cdr", "/uapi/cdr/@me", f"{CALLS}?ended=true"):
        if "source" in json.dumps(query) and path not in ("/uapi/cdr", "/uapi/cdr/@me"):
            continue
        answer = await api.request("GET", path, params=query)
        assert answer.status == 200, answer.text
        assert answer.json["totalResults"] >= len(answer.json["entry"])


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", EVENTS, {"type": 9, "url": URL}, "pcet_type_invalid"),
        ("POST", EVENTS, {"url": URL}, "pcet_type_invalid"),
        ("POST", f"{EVENTS}/2", {"type": 1, "url": URL}, "pcet_type_invalid"),
        ("POST", f"{EVENTS}/7", {"url": URL}, "pcet_type_invalid"),
        ("POST", f"{EVENTS}/2", {}, "pce_url_invalid"),
        ("POST", f"{EVENTS}/2", {"url": 5}, "pce_url_invalid"),
        ("POST", f"{EVENTS}/2", {"url": "ftp://receiver.example/"}, "pce_url_invalid"),
        ("POST", f"{EVENTS}/2", {"url": URL, "method": 2}, "pce_method_invalid"),
        ("POST", f"{EVENTS}/2", {"url": URL, "status": True}, "pce_status_invalid"),
        ("POST", f"{EVENTS}/2", {"url": URL, "note": "x" * 256}, "pce_note_invalid"),
        ("GET", f"{EVENTS}/9", None, "pce_type_invalid"),
        ("GET", f"{EVENTS}/2/nosuch", None, "pce_id_invalid"),
        ("DELETE", f"{EVENTS}/2/no.such", None, "pce_id_invalid"),
        ("PUT", f"{EVENTS}/2/nosuch", {}, "pce_id_invalid"),
        ("GET", EVENTS.replace("0003*210", "@self"), None, "extension_invalid"),
        ("GET", EVENTS.replace("0003*210", "999"), None, "extension_invalid"),
        ("GET", f"{EVENTS}/2/nosuch/deliveries", None, "pce_id_invalid"),
    ],
)
async def test_given_a_wrong_field_of_a_subscription_then_the_answer_names_it(
    api: ApiClient, method: str, path: str, body: object, code: str
) -> None:
    answer = await api.request(method, path, body=body)
    assert (answer.status, said(answer)) == (400, code), answer.text


async def test_a_subscription_is_made_changed_listed_and_deleted(api: ApiClient) -> None:
    made = await api.request(
        "POST", f"{EVENTS}/2", body={"url": URL, "method": "1", "note": "of the test"}
    )
    assert made.status == 200, made.text
    event_id = re.findall(r'"id": ?"(\w+)"', made.text)[0]
    one = f"{EVENTS}/2/{event_id}"
    changed = await api.request("PUT", one, body={"status": 0, "note": "off", "url": None})
    assert changed.status == 200, changed.text
    refused = await api.request("PUT", one, body={"type": 1})
    assert said(refused) == "pce_type_invalid"
    for path in (EVENTS, f"{EVENTS}/2", one, f"{EVENTS}/{event_id}"):
        listed = await api.request("GET", path)
        assert [x["note"] for x in listed.json["entry"]] == ["off"], listed.text
    deliveries = await api.request("GET", f"{one}/deliveries")
    assert (deliveries.status, deliveries.json["entry"]) == (200, [])
    gone = await api.request("POST", f"{one}/deliveries/nosuch/retry")
    assert gone.status == 400, gone.text
    deleted = await api.request("DELETE", one)
    assert deleted.status in (200, 204)
    assert (await api.request("GET", EVENTS)).json["entry"] == []


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (CALLS, {"action": "Dance"}, 400, "pc_action_invalid"),
        (CALLS, {"action": ["Monitor"]}, 400, "pc_action_invalid"),
        (CALLS, {"action": "SendDTMF"}, 400, "pc_digits_invalid"),
        (f"{CALLS}/nosuch", {"action": "StopRecording"}, 400, "pc_phonecall_invalid"),
        (CALLBACK, call(), 400, "pc_source_invalid"),
        (CALLBACK, call(source=["3235550201"]), 400, "pc_destination_invalid"),
        (CALLBACK, {**call(), "extension": None}, 400, "extension_invalid"),
        (CALLBACK, {**call(), "extension": "300"}, 400, "extension_invalid"),
    ],
)
async def test_given_a_wrong_action_or_callback_then_the_answer_names_it(
    api: ApiClient, path: str, body: object, status: int, code: str
) -> None:
    method = "POST" if path == CALLBACK else "PUT"
    answer = await api.request(method, path, body=body)
    assert (answer.status, said(answer)) == (status, code), answer.text


@pytest.mark.parametrize("value", ["0003*210", "@self"])
async def test_the_presence_of_an_extension_is_listed(api: ApiClient, value: str) -> None:
    answer = await api.request("GET", f"/uapi/extensions/@me/{value}/presence")
    assert answer.status == 200, answer.text


async def test_a_token_that_does_not_count_is_refused(running: WholeService) -> None:
    async with aiohttp.ClientSession(running.base_url) as http:
        for headers in ({}, {"Authorization": "Bearer nosuch"}, {"Authorization": "Basic eA=="}):
            async with http.get(CALLS, headers=headers) as answer:
                assert (await answer.json())["error"]["code"] == "access_denied"
        async with http.get(CALLS, params={"accessRequestToken": "Bearer nosuch"}) as answer:
            assert (await answer.json())["error"]["code"] == "access_denied"


async def test_a_stream_begins_with_the_calls_of_now_and_tells_the_end_of_each(
    running: WholeService, api: ApiClient
) -> None:
    created = await api.request("POST", CREATE, body=call())
    call_id = created.json[0]["id"]
    headers = {"Authorization": f"Bearer {api.token}"}
    async with (
        asyncio.timeout(20),
        aiohttp.ClientSession(running.base_url) as http,
        http.get(f"{CALLS}/stream", headers=headers) as stream,
    ):
        assert stream.content_type == "text/event-stream"
        assert call_id in await told(stream, "data: ")
        await api.hang_up("@self", call_id)
        await running.refuse_last()
        assert call_id in await told(stream, "data: ")


async def timeline(api: ApiClient, call_id: str, extension: str = "@self") -> Answer:
    path = f"/uapi/phoneCalls/@me/{extension}/{call_id}/timeline"
    return await api.request("GET", path)


def types(answer: Answer) -> list[str]:
    return [x["type"] for x in answer.json["entry"]]


async def test_given_a_call_then_its_timeline_names_the_request_and_lives_on_after_the_end(
    running: WholeService, api: ApiClient
) -> None:
    headers = {"X-Request-Id": "the-create"}
    created = await api.request("POST", CREATE, body=call(), headers=headers)
    call_id = str(created.json[0]["id"])
    answer = await timeline(api, call_id)
    [accepted] = answer.json["entry"]
    assert accepted.pop("ms") > 0
    assert accepted == {"type": "accepted", "app": "user-12", "requestId": "the-create"}
    assert (answer.json["linkedId"], answer.json["truncated"]) == (call_id, False)

    await api.hang_up("@self", call_id)
    await running.refuse_last()
    await api.wait_ended(call_id)
    answer = await timeline(api, call_id)
    assert types(answer) == ["accepted", "hangupAsked", "ended"]
    assert answer.json["entry"][1]["app"] == "user-12"
    assert types(await timeline(api, call_id, "0003*211")) == types(answer)


@pytest.mark.parametrize("call_id", ["0" * 20, "not-one"])
async def test_given_no_call_of_this_extension_then_there_is_no_timeline(
    api: ApiClient, live_call: str, call_id: str
) -> None:
    assert (await timeline(api, live_call)).status == 200
    for answer in (await timeline(api, call_id), await timeline(api, live_call, "0003*212")):
        assert (answer.status, said(answer)) == (400, "pc_phoncall_invalid")


@pytest.mark.parametrize("last", ["not one of ours", "1-1-0"])
async def test_a_reader_that_missed_too_much_gets_the_state_of_now(
    running: WholeService, api: ApiClient, last: str
) -> None:
    token = api.token or await api.authenticate()
    headers = {"Authorization": f"Bearer {token}", "Last-Event-ID": last}
    async with (
        asyncio.timeout(20),
        aiohttp.ClientSession(running.base_url) as http,
        http.get(f"{CALLS}/stream", headers=headers) as stream,
    ):
        assert await told(stream, "event: state")


async def told(stream: aiohttp.ClientResponse, word: str) -> str:
    """What the stream says, until that word is in it."""
    text = ""
    while word not in text:
        text += (await stream.content.readany()).decode()
    return text


@pytest.mark.parametrize(
    ("action", "body", "code"),
    [
        ("StopRecording", {"phoneCallViewId": "xx"}, "pc_view_invalid"),
        ("StopRecording", {"phoneCallViewId": "77"}, "pc_view_invalid"),
        ("Monitor", {}, "pc_sendcallto_invalid"),
        ("Monitor", {"sendCallTo": True}, "pc_sendcallto_invalid"),
        ("Monitor", {"sendCallTo": "no number"}, "pc_sendcallto_invalid"),
        ("Monitor", {"sendCallTo": "300"}, "pc_sendcallto_invalid"),
        ("Monitor", {"sendCallTo": "212", "callerId": True}, "pc_callerid_invalid"),
        ("Monitor", {"sendCallTo": "212", "callerId": "Jo <x>"}, "pc_callerid_invalid"),
        ("Monitor", {"sendCallTo": "212", "waitForPickup": "0"}, "pc_timeout_invalid"),
        ("Whisper", {"sendCallTo": "212", "private": "perhaps"}, "pc_private_invalid"),
    ],
)
async def test_given_a_live_call_when_an_action_has_a_wrong_field_then_the_answer_names_it(
    api: ApiClient, live_call: str, action: str, body: dict[str, object], code: str
) -> None:
    answer = await api.request("PUT", f"{CALLS}/{live_call}", body={"action": action, **body})
    assert (answer.status, said(answer)) == (400, code), answer.text
