"""The resource itself: create, list, update, delete; what is refused, and with which code."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab

from .subscriber import DIAL_IN, DIAL_OUT, HANG_UP, events_path, subscribe, try_subscribe

pytestmark = pytest.mark.asyncio(loop_scope="session")

URL = "https://example.com/hook?a=%2B&b=1+2"


async def the_list(api: ApiClient, *more: object, **query: str) -> list[Any]:
    answer = await api.request("GET", events_path("210", *more), params=query)
    assert answer.status == 200, answer.text
    return list(answer.json["entry"])


async def test_given_new_event_when_listed_then_all_fields_are_there_but_not_the_secret(
    api: ApiClient,
) -> None:
    answer = await try_subscribe(
        api, "0003*210", type="0", method="1", note="Ján", url=URL, status="1"
    )
    assert answer.status == 200
    event_id, secret = answer.json["id"], answer.headers["X-Event-Secret"]
    assert len(event_id) == 30
    assert event_id.isalnum()
    assert len(secret) >= 40
    self_url = f"{api.base_url}{events_path('0003*210', 0, event_id)}"
    assert answer.json["links"]["self"] == self_url

    listed = await api.request("GET", self_url + "/")
    [item] = listed.json["entry"]
    assert item.pop("modified").endswith("Z")
    links = {"self": self_url}
    assert item == {
        "id": event_id,
        "type": "0",
        "url": URL,
        "method": "1",
        "status": "1",
        "note": "Ján",
        "links": links,
        "link": links,
    }
    assert secret not in listed.text


async def test_given_wire_of_a_known_client_when_it_creates_then_numbers_and_slash_are_taken(
    api: ApiClient,
) -> None:
    path = "/unifiedapi/extensions/@me/0003*210/phoneCallEvents/"
    body = {"type": 2, "method": 0, "url": URL, "status": 0}
    answer = await api.request("POST", path, body=body)
    assert answer.status == 200
    in_uri = await api.request("POST", path + "1/", body={"url": URL})
    assert in_uri.status == 200
    items = {x["id"]: (x["type"], x["method"], x["status"]) for x in await the_list(api)}
    assert items == {answer.json["id"]: ("2", "0", "0"), in_uri.json["id"]: ("1", "0", "1")}


async def test_given_several_events_when_listed_then_type_filter_order_and_page_hold(
    api: ApiClient,
) -> None:
    ids = {
        name: (await subscribe(api, "210", kind, f"https://{name}.example/", note=name))[0]
        for name, kind in (("c", DIAL_IN), ("a", DIAL_OUT), ("b", DIAL_OUT))
    }
    assert [x["note"] for x in await the_list(api)] == ["a", "b", "c"]
    assert [x["note"] for x in await the_list(api, sortOrder="descending")] == ["c", "b", "a"]
    assert [x["note"] for x in await the_list(api, 1)] == ["a", "b"]
    assert [x["id"] for x in await the_list(api, 1, ids["b"])] == [ids["b"]]
    found = await the_list(api, filterBy="url", filterOp="contains", filterValue="c.ex")
    assert [x["note"] for x in found] == ["c"]
    assert await the_list(api, fields="note", count="1", startIndex="1") == [{"note": "b"}]
    assert await the_list(api, 4) == []
    other = await api.request("GET", events_path("211"))
    assert other.json["entry"] == []


async def test_given_event_when_updated_then_only_what_the_body_names_changes(
    api: ApiClient,
) -> None:
    event_id, _ = await subscribe(api, "210", HANG_UP, URL, method=1, note="n")
    path = events_path("210", HANG_UP, event_id)
    answer = await api.request("PUT", path + "/", body={"status": "0"})
    assert (answer.status, answer.json["id"]) == (200, event_id)
    assert "X-Event-Secret" not in answer.headers
    [item] = await the_list(api)
    assert (item["status"], item["method"], item["url"]) == ("0", "1", URL)
    body = {"method": 0, "url": "http://example.org:8080/x", "note": ""}
    assert (await api.request("PUT", path, body=body)).status == 200
    [item] = await the_list(api)
    assert (item["status"], item["method"], item["url"]) == ("0", "0", "http://example.org:8080/x")
    assert "note" not in item


async def test_given_events_when_deleted_by_id_type_and_all_then_ids_come_back_and_then_204(
    api: ApiClient,
) -> None:
    ids = [(await subscribe(api, "210", kind, URL))[0] for kind in (0, 0, 1, 1, 2)]
    one = await api.request("DELETE", events_path("210", 0, ids[0]))
    assert (one.status, one.json) == (200, [{"id": ids[0]}])
    of_type = await api.request("DELETE", events_path("210", 1) + "/")
    assert sorted(x["id"] for x in of_type.json) == sorted(ids[2:4])
    rest = await api.request("DELETE", events_path("210"))
    assert sorted(x["id"] for x in rest.json) == sorted([ids[1], ids[4]])
    nothing = await api.request("DELETE", events_path("210"))
    assert (nothing.status, nothing.text) == (204, "")
    assert (await api.request("DELETE", events_path("210", 3))).status == 204
    again = await api.request("DELETE", events_path("210", 0, ids[0]))
    assert (again.status, again.code) == (400, "pce_id_invalid")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"url": URL}, "pcet_type_invalid"),
        ({"type": 5, "url": URL}, "pcet_type_invalid"),
        ({"type": "x", "url": URL}, "pcet_type_invalid"),
        ({"type": True, "url": URL}, "pcet_type_invalid"),
        ({"type": 0, "method": 2, "url": URL}, "pce_method_invalid"),
        ({"type": 0, "method": "POST", "url": URL}, "pce_method_invalid"),
        ({"type": 0, "status": "on", "url": URL}, "pce_status_invalid"),
        ({"type": 0, "note": "x" * 256, "url": URL}, "pce_note_invalid"),
        ({"type": 0, "note": ["x"], "url": URL}, "pce_note_invalid"),
        ({"type": 0}, "pce_url_invalid"),
        ({"type": 0, "url": None}, "pce_url_invalid"),
        ({"type": 0, "url": "ftp://example.com/"}, "pce_url_invalid"),
        ({"type": 0, "url": "https://user:key@example.com/"}, "pce_url_invalid"),
        ({"type": 0, "url": "https://example.com/" + "x" * 2048}, "pce_url_invalid"),
        ({"type": 0, "url": "https://example.com/a b"}, "pce_url_invalid"),
    ],
)
async def test_given_wrong_field_when_created_then_it_is_refused_with_the_code_of_that_field(
    api: ApiClient, body: dict[str, object], code: str
) -> None:
    answer = await try_subscribe(api, "210", **body)
    assert (answer.status, answer.code) == (400, code)
    assert await the_list(api) == []


async def test_given_wrong_uri_when_any_method_is_used_then_the_code_says_what_is_wrong(
    api: ApiClient, lab: RunningLab
) -> None:
    event_id, _ = await subscribe(api, "210", HANG_UP, URL)
    body: dict[str, object] = {"type": 0, "url": URL}
    for method, path, code in (
        ("POST", events_path("@self"), "extension_invalid"),
        ("POST", events_path("219"), "extension_invalid"),
        ("POST", events_path("0004*210"), "extension_invalid"),
        ("POST", events_path("220"), "pce_access_denied"),
        ("POST", "/uapi/extensions/13/220/phoneCallEvents", "user_invalid"),
        ("POST", events_path("210", 1), "pcet_type_invalid"),
        ("GET", events_path("210", 9), "pce_type_invalid"),
        ("GET", events_path("@self"), "extension_invalid"),
        ("GET", events_path("220"), "pce_access_denied"),
        ("DELETE", events_path("210", "x"), "pce_type_invalid"),
        ("DELETE", events_path("210", HANG_UP, "no-id"), "pce_id_invalid"),
        ("DELETE", events_path("220"), "pce_access_denied"),
        ("PUT", events_path("210", DIAL_IN, event_id), "pce_id_invalid"),
        ("PUT", events_path("211", HANG_UP, event_id), "pce_id_invalid"),
        ("PUT", events_path("210", HANG_UP, event_id), "pce_type_invalid"),
        ("GET", events_path("210", HANG_UP, "x", "deliveries"), "pce_id_invalid"),
        (
            "GET",
            events_path("210", HANG_UP, event_id, "deliveries") + "?filterBy=state",
            "filterby_invalid",
        ),
        (
            "POST",
            events_path("210", HANG_UP, event_id, "deliveries", "0" * 32, "retry"),
            "pce_delivery_invalid",
        ),
    ):
        answer = await api.request(method, path, body=body if method in ("POST", "PUT") else None)
        assert (answer.status, answer.code) == (400, code), (method, path, answer.text)
    assert [x["id"] for x in await the_list(api)] == [event_id]
    async with lab.client() as stranger:
        stranger.token = "no-token-of-ours"
        for path in (events_path("210"), events_path("210", 2, event_id)):
            assert (await stranger.request("GET", path)).status == 401


async def test_given_apps_of_other_levels_when_they_use_an_event_then_their_reach_decides(
    api: ApiClient, lab: RunningLab
) -> None:
    event_id, _ = await subscribe(api, "210", HANG_UP, URL)
    async with lab.client("organization-0003") as crm, lab.client("administrator") as operations:
        for client, extension in ((crm, "210"), (operations, "0003*210")):
            path = f"/uapi/extensions/12/{extension}/phoneCallEvents/2/{event_id}"
            answer = await client.request("GET", path)
            assert [x["id"] for x in answer.json["entry"]] == [event_id]
    async with lab.client("organization-0004") as other:
        answer = await other.request("GET", "/uapi/extensions/12/0003*210/phoneCallEvents")
        assert (answer.status, answer.code) == (400, "user_invalid")


async def test_given_extension_with_all_it_may_have_when_one_more_is_created_then_it_is_refused(
    api: ApiClient,
) -> None:
    for _ in range(20):
        await subscribe(api, "210", HANG_UP, URL)
    answer = await try_subscribe(api, "210", type=0, url=URL)
    assert (answer.status, answer.code) == (400, "pce_limit_reached")
    await subscribe(api, "211", HANG_UP, URL)


async def test_given_subscriptions_when_service_is_killed_then_they_are_there_after_the_start(
    api: ApiClient, lab: RunningLab
) -> None:
    event_id, _ = await subscribe(api, "210", HANG_UP, URL, note="Žižka")
    before = await the_list(api)
    await lab.bridge.kill()
    await lab.bridge.start()
    assert await the_list(api) == before
    assert before[0]["id"] == event_id


async def test_given_several_changes_at_the_same_time_when_answered_then_none_has_undone_another(
    api: ApiClient,
) -> None:
    for number in range(5):
        event_id, _ = await subscribe(api, "210", DIAL_IN, URL)
        path = events_path("210", DIAL_IN, event_id)
        wanted = {"status": "0", "note": f"new {number}", "method": "0", "url": f"{URL}&{number}"}
        answers = await asyncio.gather(
            *(api.request("PUT", path, body={name: value}) for name, value in wanted.items())
        )
        assert [x.status for x in answers] == [200] * len(wanted)
        [item] = (await api.request("GET", path)).json["entry"]
        assert {name: item[name] for name in wanted} == wanted


async def test_given_null_fields_when_changed_then_they_count_as_left_out(api: ApiClient) -> None:
    event_id, _ = await subscribe(api, "210", DIAL_IN, URL, note="kept")
    path = events_path("210", DIAL_IN, event_id)
    body = {"type": None, "url": None, "method": None, "note": None, "status": "0"}
    assert (await api.request("PUT", path, body=body)).status == 200
    [item] = (await api.request("GET", path)).json["entry"]
    assert (item["url"], item["method"], item["note"], item["status"]) == (URL, "1", "kept", "0")


@pytest.mark.parametrize(
    ("url", "said"),
    [(None, "missing"), ("", "missing"), (5, "string"), ("http://a.example:0/", "port")],
)
async def test_given_no_usable_url_when_created_then_the_message_says_what_is_wrong(
    api: ApiClient, url: object, said: str
) -> None:
    answer = await try_subscribe(api, "210", type="0", url=url)
    assert (answer.status, answer.code) == (400, "pce_url_invalid")
    assert said in answer.message


async def test_given_a_delivery_id_that_is_none_when_sent_again_then_it_is_said(
    api: ApiClient,
) -> None:
    event_id, _ = await subscribe(api, "210", DIAL_IN, URL)
    path = events_path("210", DIAL_IN, event_id, "deliveries", "%00", "retry")
    answer = await api.request("POST", path)
    assert (answer.status, answer.code) == (400, "pce_delivery_invalid")
