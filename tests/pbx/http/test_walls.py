"""Small walls: what is not echoed, not believed, not answered."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIST = "/uapi/phoneCalls/@me/210"
FORWARDED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Prefix": "/evil",
    "X-Real-IP": "203.0.113.9",
    "Forwarded": "for=203.0.113.9;host=evil.example;proto=https",
    "X-Original-URL": "/evil",
    "X-Rewrite-URL": "/evil",
}


async def test_given_a_token_in_the_query_when_listed_then_no_link_and_no_log_line_has_it(
    lab: RunningLab, api: ApiClient
) -> None:
    token = await api.authenticate()
    for _ in range(3):
        await api.place(["3235550180"], ["3235550201"], extension="210")
    query = {"accessRequestToken": token, "count": "1", "startIndex": "1"}
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{lab.bridge.base_url}{LIST}", params=query) as answer:
            text = await answer.text()
            paging = (await answer.json())["paging"]
        async with session.get(f"{lab.bridge.base_url}{LIST}/x/y/z", params=query) as answer:
            text += await answer.text()
    assert token not in text
    for name, start in (("next", "2"), ("prev", "0")):
        found = parse_qs(urlsplit(paging[name]).query)
        assert found == {"count": ["1"], "startIndex": [start]}
    assert token not in lab.bridge.log_text()


async def test_given_headers_of_a_proxy_when_sent_by_anybody_then_nothing_believes_them(
    lab: RunningLab, api: ApiClient
) -> None:
    call_id = await api.place(["3235550180"], ["3235550201"], extension="210")
    answer = await api.request("GET", f"{LIST}/{call_id}", headers=FORWARDED)
    [call] = answer.json["entry"]
    assert call["links"]["self"] == f"{lab.bridge.base_url}{LIST}/{call_id}"
    refused = await api.request("GET", "/nowhere/forwarded", headers=FORWARDED)
    assert refused.status == 404
    lines = [x for x in lab.bridge.log_lines() if x.get("path") == "/nowhere/forwarded"]
    assert [x["remote"] for x in lines] == ["127.0.0.1"]


@pytest.mark.parametrize(
    "line", ["GET /health/live", "GET /health/live HTTP/0.9", "GET /health/live HTTP/2.0"]
)
async def test_given_another_version_of_http_when_asked_then_there_is_no_answer(
    lab: RunningLab, line: str
) -> None:
    address = urlsplit(lab.bridge.base_url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"{line}\r\nHost: x\r\n\r\n".encode())
    async with asyncio.timeout(15):
        try:
            got = await reader.read()
        except ConnectionError:
            got = b""
    writer.close()
    assert b"alive" not in got
    assert b"200" not in got


@pytest.mark.parametrize(("other", "status"), [("administrator", 400), ("user-12", 200)])
async def test_given_basic_of_one_client_when_the_form_names_another_then_400(
    lab: RunningLab, other: str, status: int
) -> None:
    login = aiohttp.encode_basic_auth("user-12", lab.bridge.secret("app/user-12"))
    form = {"grant_type": "client_credentials", "client_id": other}
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{lab.bridge.base_url}/oauth/token.php", data=form, headers={"Authorization": login}
        ) as answer,
    ):
        assert answer.status == status
        if status == 400:
            assert (await answer.json())["error"] == "invalid_request"
