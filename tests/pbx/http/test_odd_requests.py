"""What HTTP allows and few send, and what it does not allow: that is refused, and nothing done."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

from bridge.testing.lab.api_client import Answer, ApiClient
from tests.lab.raw_http import send_raw

from .raw_post import post
from .refusals import refused

pytestmark = pytest.mark.asyncio(loop_scope="session")

CREATE = "/uapi/phoneCalls/@me/simple"
CALL = {
    "extension": "210",
    "phoneCallView": [{"source": ["3235550180"], "destination": ["3235550201"]}],
}
EVENTS = "/uapi/extensions/@me/210/phoneCallEvents"
EVENT = {"type": "2", "url": "https://example.com/hook"}
HTTP_1_1 = "HTTP/1.1"


async def send(
    api: ApiClient, line: str, headers: dict[str, str] | None = None, body: object = None
) -> Answer:
    """`Host` is the right one unless the headers have another."""
    token = api.token or await api.authenticate()
    names = {
        "Host": urlsplit(api.base_url).netloc,
        "Authorization": f"Bearer {token}",
        **(headers or {}),
    }
    text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
    return await send_raw(api.base_url, line, {k: v for k, v in names.items() if v}, text)


@pytest.mark.parametrize(
    "host", ["é", 'evil"/<x>', "a b", "a:99999", "a:", "user@a", "[zz", "[::1", "a/b", "a?b", "a,b"]
)
async def test_given_a_host_no_link_can_be_made_of_when_posted_then_nothing_is_done(
    api: ApiClient, host: str
) -> None:
    await refused(
        await send(api, f"POST {CREATE} {HTTP_1_1}", {"Host": host}, CALL), api, "request_invalid"
    )
    await refused(
        await send(api, f"POST {EVENTS} {HTTP_1_1}", {"Host": host}, EVENT), api, "request_invalid"
    )
    assert (await api.request("GET", EVENTS)).json["entry"] == []


@pytest.mark.parametrize(
    ("target", "host", "base"),
    [
        ("http://api.example.com:8443", "other", "http://api.example.com:8443"),
        ("https://api.example.com", "other", "https://api.example.com"),
        ("http://[2001:db8::1]:8080", "other", "http://[2001:db8::1]:8080"),
        ("", "calls.example.com", "http://calls.example.com"),
        ("", "[2001:db8::1]:8080", "http://[2001:db8::1]:8080"),
    ],
)
async def test_given_a_whole_url_or_another_host_when_created_then_links_lead_there(
    api: ApiClient, target: str, host: str, base: str
) -> None:
    answer = await send(api, f"POST {target}{CREATE} {HTTP_1_1}", {"Host": host}, CALL)
    assert answer.status == 202, answer.text
    [call] = answer.json
    assert call["links"]["self"] == f"{base}/uapi/phoneCalls/@me/210/{call['id']}"


async def test_given_http_1_0_without_host_when_listed_then_links_lead_to_this_very_port(
    api: ApiClient,
) -> None:
    call_id = await api.place(["3235550180"], ["3235550201"], extension="210")
    answer = await send(api, "GET /uapi/phoneCalls/@me/210 HTTP/1.0", {"Host": ""})
    [call] = answer.json["entry"]
    assert call["links"]["self"] == f"{api.base_url}/uapi/phoneCalls/@me/210/{call_id}"


@pytest.mark.parametrize("path", [CREATE, "/verba/api", "/oauth/token.php", "/nowhere"])
async def test_given_an_expectation_nobody_knows_when_posted_then_the_api_refuses_in_its_form(
    api: ApiClient, path: str
) -> None:
    status, head, text = await post(api.base_url, path, b"{}", headers={"Expect": "the unexpected"})
    assert status == 417, text
    assert b"Expect must be 100-continue" in text
    said = {
        "/verba/api": b'<Response code="-20"',
        "/oauth/token.php": b'{"error":"invalid_request"',
    }
    assert said.get(path, b'{"error": {"code": "request_invalid"') in text
    assert ("text/xml" if path == "/verba/api" else "application/json") in head
    assert await api.calls() == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (json.dumps(CALL).encode("utf-16"), "UTF-8"),
        (b'{"extension":"\xff"}', "UTF-8"),
        (b'{"nonce":' + b"[" * 5_000 + b"]" * 5_000 + b"}", "nested"),
        (b'{"nonce":' + b"1" * 5_000 + b"}", "digits"),
        (b"[]", "object"),
    ],
)
async def test_given_a_body_that_is_no_call_when_created_then_the_message_says_why(
    api: ApiClient, body: bytes, said: str
) -> None:
    answer = await api.request("POST", CREATE, body=body)
    await refused(answer, api, "request_invalid")
    assert said in answer.message


async def test_given_a_byte_order_mark_when_created_then_it_does_not_matter(api: ApiClient) -> None:
    answer = await api.request("POST", CREATE, body=b"\xef\xbb\xbf" + json.dumps(CALL).encode())
    assert answer.status == 202


async def test_given_too_many_fields_when_a_token_is_asked_for_then_that_is_said(
    api: ApiClient,
) -> None:
    form = "&".join(f"a{x}=1" for x in range(21))
    answer = await send(api, f"POST /oauth/token.php {HTTP_1_1}", body=form)
    assert (answer.status, answer.json["error"]) == (400, "invalid_request")
    assert "20 fields" in answer.json["error_description"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", EVENTS, "DELETE,GET,HEAD,POST,PUT"),
        ("PATCH", f"{EVENTS}/2", "DELETE,GET,HEAD,POST,PUT"),
        ("POST", f"{EVENTS}/2/abc", "DELETE,GET,HEAD,PUT"),
        ("DELETE", f"{EVENTS}/2/abc/deliveries", "GET,HEAD"),
    ],
)
async def test_given_a_method_that_events_do_not_have_when_sent_then_405_names_those_they_have(
    api: ApiClient, method: str, path: str, allowed: str
) -> None:
    answer = await api.request(method, path)
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == allowed


async def test_given_a_path_below_events_that_does_not_exist_when_asked_for_then_404(
    api: ApiClient,
) -> None:
    answer = await api.request("GET", f"{EVENTS}/2/a/b/c")
    assert (answer.status, answer.code) == (404, "not_found")


async def test_given_somebody_elses_authorization_when_the_query_has_a_token_then_that_counts(
    api: ApiClient,
) -> None:
    token = await api.authenticate()
    answer = await send(
        api,
        f"GET /uapi/phoneCalls/@me/210?accessRequestToken={token} {HTTP_1_1}",
        {"Authorization": "Basic cHJveHk6c2VjcmV0"},
    )
    assert answer.status == 200
