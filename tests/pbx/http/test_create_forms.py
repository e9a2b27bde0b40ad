"""POST …/simple in every form that clients send it in, and the form of the answer."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.lab.raw_http import send_raw

pytestmark = pytest.mark.asyncio(loop_scope="session")

RINGS_FOR_EVER = "3235550180"
ECHO = "3235550201"
CALL = {
    "extension": "0003*210",
    "phoneCallView": [{"source": [RINGS_FOR_EVER], "destination": [ECHO]}],
}


async def post(api: ApiClient, target: str, body: object = CALL, **headers: str) -> Answer:
    """POST with the target exactly as written."""
    token = api.token or await api.authenticate()
    names = {
        "Host": urlsplit(api.base_url).netloc,
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    line = f"POST {target} HTTP/1.1"
    return await send_raw(api.base_url, line, names, json.dumps(body, ensure_ascii=False))


def accepted(answer: Answer) -> dict[str, Any]:
    """The one PhoneCall of the answer."""
    assert answer.status == 202, answer.text
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert len(answer.json) == 1
    call: dict[str, Any] = answer.json[0]
    return call


async def the_live_call(api: ApiClient, call_id: str) -> dict[str, Any]:
    """It must be the only one: one request places one call."""
    calls = await api.calls()
    assert [x["id"] for x in calls] == [call_id]
    found: dict[str, Any] = calls[0]
    return found


async def test_given_a_call_is_accepted_when_answered_then_the_body_has_the_documented_form(
    api: ApiClient,
) -> None:
    call = accepted(await api.create([RINGS_FOR_EVER], [ECHO], extension="210"))

    self_url = f"{api.base_url}/uapi/phoneCalls/@me/210/{call['id']}"
    assert re.fullmatch(r"[0-9a-f]{20}", call["id"])
    assert call == {
        "id": call["id"],
        "extension": "210",
        "links": {"self": self_url},
        "link": {"self": self_url},
    }


@pytest.mark.parametrize(
    "target",
    [
        "/uapi/phoneCalls/@me/simple",
        "/uapi/phoneCalls/@me/simple/",
        "/unifiedapi/phoneCalls/@me/simple",
        "/unifiedapi/phoneCalls/@me/simple/",
        "/uapi/phoneCalls/%40me/simple/",
        "/uapi/phoneCalls/@viewer/simple",
        "/uapi/phoneCalls/%40viewer/simple",
        "/uapi/phoneCalls/@owner/simple",
        "/uapi/phoneCalls/12/simple",
        "http://voice.example.org/uapi/phoneCalls/@me/simple/",
        "/uapi/phoneCalls/@me/simple?",
        "/uapi/phoneCalls/@me/simple?method=post&sortOder=x&count=oops&x",
    ],
)
async def test_given_any_spelling_of_the_uri_when_created_then_it_is_answered_without_redirect(
    api: ApiClient, target: str
) -> None:
    call = accepted(await post(api, target))

    await the_live_call(api, call["id"])


@pytest.mark.parametrize(
    "spelling", ["@me/0003*210", "%40me/0003%2A210", "@me/0003%2a210", "@me/210", "@me/@self"]
)
@pytest.mark.parametrize("slash", ["", "/"])
async def test_given_raw_and_percent_encoded_paths_when_the_call_is_read_then_it_is_found(
    api: ApiClient, spelling: str, slash: str
) -> None:
    call = accepted(await api.create([RINGS_FOR_EVER], [ECHO], extension="210"))

    read = await send_raw(
        api.base_url,
        f"GET /uapi/phoneCalls/{spelling}/{call['id']}{slash} HTTP/1.1",
        {"Host": "x", "Authorization": f"Bearer {api.token}", "Content-Type": "application/json"},
    )

    assert read.status == 200
    assert [x["id"] for x in read.json["entry"]] == [call["id"]]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=UTF-8",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/octet-stream",
        "nonsense",
        "",
    ],
)
async def test_given_any_content_type_when_created_then_the_body_is_taken_as_json(
    api: ApiClient, content_type: str
) -> None:
    accepted(await post(api, "/uapi/phoneCalls/@me/simple", Content_Type=content_type))


@pytest.mark.parametrize(
    ("source", "destination", "extension"),
    [
        (RINGS_FOR_EVER, ECHO, "210"),
        (int(RINGS_FOR_EVER), int(ECHO), 210),
        ([int(RINGS_FOR_EVER)], [int(ECHO)], "0003*210"),
        ([RINGS_FOR_EVER], ECHO, 210),
        (f" {RINGS_FOR_EVER} ", f" {ECHO}", " 210"),
        (["+" + RINGS_FOR_EVER], ["+" + ECHO], "210"),
    ],
    ids=ascii,
)
async def test_given_numbers_in_any_json_form_when_created_then_the_parties_are_those_numbers(
    api: ApiClient, source: object, destination: object, extension: object
) -> None:
    call = accepted(await api.create(source, destination, extension=extension))

    view = (await the_live_call(api, call["id"]))["phoneCallView"][0]
    assert [x.removeprefix("+") for x in view["source"]] == [RINGS_FOR_EVER]
    assert [x.removeprefix("+") for x in view["destination"]] == [ECHO]
    assert call["extension"] == str(extension).strip()


async def test_given_the_view_is_no_list_when_created_then_it_is_taken_as_the_one_view(
    api: ApiClient,
) -> None:
    accepted(await api.create("", "", body={**CALL, "phoneCallView": CALL["phoneCallView"][0]}))


async def test_given_a_caller_id_as_a_number_when_created_then_it_is_taken(api: ApiClient) -> None:
    view: dict[str, object] = {"callerId": 4242425, "callerDestination": 4242426}

    call = accepted(await api.create([RINGS_FOR_EVER], [ECHO], extension="210", view=view))

    live = await the_live_call(api, call["id"])
    assert [x["callerId"] for x in live["phoneCallView"]] == ["<4242425>", "<4242426>"]


async def test_given_parameters_that_nobody_knows_when_created_then_they_are_ignored(
    api: ApiClient,
) -> None:
    call = accepted(
        await api.create(
            [RINGS_FOR_EVER],
            [ECHO],
            extension="210",
            body={"colour": "blue", "status": 5, "id": "mine"},
            view={"flow": 8, "x": None},
            sortOder="descending",
            count="-1",
        )
    )

    assert call["id"] != "mine"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("id", {"id"}),
        ("id,extension", {"id", "extension"}),
        ("id, nonce ,", {"id", "nonce"}),
        ("links", {"id", "links"}),
        ("id,phoneCallView,answered", {"id"}),
        ("", {"id", "extension", "nonce", "links", "link"}),
    ],
)
async def test_given_fields_when_created_then_the_answer_has_those_fields_and_the_id(
    api: ApiClient, query: str, names: set[str]
) -> None:
    body = {"nonce": "n1"}

    answer = await api.create([RINGS_FOR_EVER], [ECHO], extension="210", body=body, fields=query)

    assert set(accepted(answer)) == names


@pytest.mark.parametrize("nonce", ["n1", "é ✓ 名", "x" * 255, 17], ids=ascii)
async def test_given_a_nonce_when_created_then_the_answer_and_the_call_carry_it(
    api: ApiClient, nonce: object
) -> None:
    call = accepted(
        await api.create([RINGS_FOR_EVER], [ECHO], extension="210", body={"nonce": nonce})
    )

    assert call["nonce"] == str(nonce)
    assert (await the_live_call(api, call["id"]))["nonce"] == str(nonce)


async def test_given_null_fields_when_created_then_they_count_as_absent(api: ApiClient) -> None:
    call = accepted(
        await api.create(
            [RINGS_FOR_EVER],
            [ECHO],
            extension="210",
            body={"nonce": None},
            view={"callerId": None, "callerIdDestination": None},
        )
    )

    assert "nonce" not in call


@pytest.mark.parametrize("host", ["voice.example.org", "voice.example.org:8443", "127.0.0.1"])
async def test_given_a_host_header_when_created_then_links_self_is_at_that_host(
    api: ApiClient, host: str
) -> None:
    call = accepted(await post(api, "/uapi/phoneCalls/@me/simple", Host=host))

    assert call["links"]["self"] == f"http://{host}/uapi/phoneCalls/@me/0003*210/{call['id']}"
    assert call["link"] == call["links"]


@pytest.mark.parametrize(
    ("client_id", "user", "extension"),
    [
        ("user-12", "@me", "210"),
        ("user-12", "@viewer", "0003*210"),
        ("user-12", "@owner", "210"),
        ("user-12", "12", "0003*210"),
        ("organization-0003", "12", "210"),
        ("organization-0003", "@owner", "0003*210"),
        ("administrator", "12", "0003*210"),
        ("administrator", "@owner", "0003*210"),
    ],
)
async def test_given_links_self_when_used_as_given_by_that_token_then_it_is_that_call(
    lab: RunningLab, api: ApiClient, client_id: str, user: str, extension: str
) -> None:
    async with lab.client(client_id) as app:
        answer = await app.create([RINGS_FOR_EVER], [ECHO], user=user, extension=extension)
        call = accepted(answer)

        got = await app.request("GET", call["links"]["self"])

        assert got.status == 200
        assert [x["id"] for x in got.json["entry"]] == [call["id"]]
        assert got.json["entry"][0]["extension"] == extension
        assert got.json["entry"][0]["links"]["self"] == call["links"]["self"]
        deleted = await app.request("DELETE", call["links"]["self"])
        assert (deleted.status, deleted.json) == (200, [{"id": call["id"]}])
    await api.wait_ended(call["id"])


async def test_given_no_extension_when_created_then_the_first_source_pays(
    lab: RunningLab, api: ApiClient
) -> None:
    answer = await api.create(["214", RINGS_FOR_EVER], ["211"], extension=None)

    # 214 must not call public numbers, so it is seen here that it is the extension.
    assert (answer.status, answer.code) == (400, "pc_source_invalid")
    assert "0003*214" in answer.message
