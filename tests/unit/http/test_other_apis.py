"""Requests to OAuth, Verba and the operator's routes, and the answer to each."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from .whole_service import WholeService, whole_service

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "/oauth/token.php"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CALL_ID = {"callID": "nosuch"}
START = {"start": "2026-01-01 00:00"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeService]:
    async with whole_service(tmp_path_factory.mktemp("apis")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(running: WholeService) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(running.base_url) as http:
        yield http


def basic(text: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(text.encode()).decode()}"}


@pytest.mark.parametrize(
    ("headers", "body", "status", "error"),
    [
        (FORM, b"", 400, "invalid_request"),
        (FORM, b"grant_type=password&client_id=user-12", 400, "unsupported_grant_type"),
        (FORM, b"grant_type=client_credentials&client_id=nobody&client_secret=x", 401, "client"),
        (FORM, b"grant_type=a&grant_type=b", 400, "invalid_request"),
        (FORM, b"&".join([b"a%d=1" % x for x in range(30)]), 400, "invalid_request"),
        (FORM, b"\xff\xfe", 400, "invalid_request"),
        ({"Content-Type": "application/json"}, b"{", 400, "invalid_request"),
        ({"Content-Type": "application/json"}, b'{"grant_type": ["x"]}', 400, "invalid_request"),
        ({"Content-Type": "multipart/form-data"}, b"--x", 400, "invalid_request"),
        (
            {"Content-Type": "application/json"},
            b"{" + b",".join(b'"f%d": "1"' % x for x in range(30)) + b"}",
            400,
            "invalid_request",
        ),
        ({**FORM, "Authorization": "Basic !"}, b"grant_type=client_credentials", 401, "client"),
        ({**FORM, **basic("a:b")}, b"grant_type=client_credentials&client_id=c", 400, "request"),
    ],
)
async def test_given_a_wrong_token_request_then_the_error_is_that_of_oauth(
    http: aiohttp.ClientSession, headers: dict[str, str], body: bytes, status: int, error: str
) -> None:
    async with http.post(TOKEN, headers=headers, data=body) as answer:
        said = await answer.json()
        assert answer.status == status, said
        assert said["error"].endswith(error), said
        assert answer.headers["Cache-Control"] == "no-store"


async def test_a_token_is_had_by_a_form_by_json_by_basic_and_by_the_query(
    running: WholeService, http: aiohttp.ClientSession
) -> None:
    secret = running.service.directory.directory.apps["user-12"].client_secret
    fields = {"grant_type": "client_credentials"}
    known = {**fields, "client_id": "user-12", "client_secret": secret}
    for more in (
        {"data": known},
        {"json": known},
        {"data": fields, "headers": basic(f"user-12:{secret}")},
        {"params": known},
    ):
        async with http.post(TOKEN, **more) as answer:  # type: ignore[arg-type]
            assert answer.status == 200, await answer.text()
            assert (await answer.json())["token_type"] == "Bearer"
    async with http.get(TOKEN) as refused:
        assert (refused.status, refused.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("action", "parameters", "code"),
    [
        ("Unknown", {}, -30),
        ("GetCallInformation", {}, -20),
        ("GetCallInformation", {**CALL_ID, "nativeID": "x"}, -20),
        ("GetCallInformation", {"extension": "210"}, -20),
        ("GetCallInformation", {"extension": "210", "status": "soon"}, -20),
        ("GetCallInformation", {"extension": "210", "status": "ongoing"}, -20),
        ("GetCallInformation", {"extension": "0003*210", "status": "ongoing"}, -50),
        ("GetCallInformation", {"extension": "211", "status": "last"}, -50),
        ("GetCallInformation", CALL_ID, -50),
        ("GetCallID", {"ccdr_id": "x"}, -50),
        ("GetMedia", {"platformCallID": "x"}, -50),
        ("GetMediaEncoded", {"meetingID": "x"}, -50),
        ("DeleteCall", {"nativeID": "x"}, -50),
        ("KeepCall", CALL_ID, -50),
        ("KeepCall", {**CALL_ID, "keep": "1", "responseType": "PDF"}, -20),
        ("MuteRecording", CALL_ID, -20),
        ("SearchCalls", {}, -20),
        ("SearchCalls", {"start": "yesterday"}, -20),
        ("SearchCalls", {**START, "status": "next"}, -20),
        ("SearchCalls", {**START, "order": "up"}, -20),
        ("SearchCalls", {**START, "orderby": "colour"}, -20),
        ("SearchCalls", {**START, "pagelen": "0"}, -20),
        ("SearchCalls", {**START, "f_colour": "red"}, -20),
        ("SearchCalls", {**START, "returnMetadata": "2"}, -20),
        ("AddMarker", {**CALL_ID, "mmode": "middle"}, -20),
        ("AddMarker", CALL_ID, -20),
        ("AddMarker", {**CALL_ID, "mname": "x" * 256}, -20),
        ("AddMarker", {**CALL_ID, "mname": "x", "mstart": "1"}, -50),
        ("GetMarkers", CALL_ID, -50),
        ("AttachMetaData", CALL_ID, -20),
        ("AttachMetaData", {**CALL_ID, "a b": "c"}, -20),
        ("AttachMetadata", {**CALL_ID, "case": "4711"}, -50),
        ("SearchCalls", {**START, "apiKey": "wrong"}, -41),
        ("RequestToken", {"userName": "supervisor", "password": "wrong"}, -40),
    ],
)
async def test_given_a_wrong_verba_request_then_the_code_says_what_is_wrong(
    running: WholeService,
    http: aiohttp.ClientSession,
    action: str,
    parameters: dict[str, str],
    code: int,
) -> None:
    key = running.service.secrets.get_or_create("verba-key/erasure")
    for send in (http.get, http.post):
        everything = {"apiKey": key, **parameters, "action": action}
        form = {"params" if send == http.get else "data": everything}
        async with send("/verba/api", **form) as answer:  # type: ignore[arg-type]
            text = await answer.text()
            assert f'code="{code}"' in text, text


@pytest.mark.parametrize("kind", ["XML", "HTML", "TEXT"])
async def test_a_search_without_calls_is_an_empty_list_in_each_form(
    running: WholeService, http: aiohttp.ClientSession, kind: str
) -> None:
    query = {
        "apiKey": running.service.secrets.get_or_create("verba-key/erasure"),
        "action": "SearchCalls",
        "responseType": kind,
        "anynum": "210",
        "returnMetadata": "1",
        **START,
    }
    async with http.get("/verba/api", params=query) as answer:
        assert answer.status == 200
        assert "rowcount" in await answer.text()


async def test_the_operator_s_routes_tell_of_the_service(http: aiohttp.ClientSession) -> None:
    async with http.get("/health/live") as live:
        assert (live.status, (await live.json())["status"]) == (200, "alive")
    async with http.get("/health/ready") as ready:
        body = await ready.json()
        assert body["pbx"]["up"] is True
        assert body["storage"]["up"] is True
    async with http.get("/openapi.json") as document:
        assert (await document.json())["openapi"].startswith("3.1")
    async with http.get("/nowhere") as nowhere:
        assert nowhere.status == 404
        assert re.match(r"\w", (await nowhere.json())["error"]["code"])
