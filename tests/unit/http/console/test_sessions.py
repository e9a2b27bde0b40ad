"""A session: who gets one, what it opens, and what another site cannot do with it."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest

from bridge.http.console.session_cookie import COOKIE

from ..whole_service import WholeService
from .console_client import console_client, signed_in

pytestmark = pytest.mark.asyncio(loop_scope="package")

CALLS = "/uapi/phoneCalls/@me/0003*210"
FOREIGN = {"Origin": "https://elsewhere.example"}


async def test_given_credentials_when_signed_in_then_the_session_has_the_rights_of_the_app(
    running: WholeService,
) -> None:
    async with signed_in(running, "user-12") as client:
        status, told = await client.ask("GET", "/console/session")
        assert status == 200
        assert told["app"] == {
            "clientId": "user-12",
            "name": "Click to call of Alice",
            "level": "User",
            "organization": "0003",
        }
        assert told["user"] == {"id": "12", "name": "Alice Adams"}
        assert (await client.ask("GET", CALLS))[0] == 200
        assert (await client.ask("GET", "/uapi/phoneCalls/13/0003*220"))[0] == 400


async def test_given_a_session_when_looked_at_then_no_script_and_no_other_site_has_its_cookie(
    running: WholeService,
) -> None:
    async with signed_in(running, "user-12") as client:
        morsel = SimpleCookie(client.set_cookie)[COOKIE]
        assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "Strict", "/")
        assert int(morsel["max-age"]) == running.service.settings.console_session_s
        assert not morsel["secure"]  # it came without TLS
        assert morsel.value not in client.proof


async def test_given_a_session_when_a_proof_is_missing_or_wrong_then_the_api_is_closed(
    running: WholeService,
) -> None:
    async with signed_in(running, "user-12") as client, signed_in(running, "user-12") as other:
        for proof in ("", "0" * 64, other.proof):
            status, told = await client.ask("GET", CALLS, X_Console_Proof=proof)
            assert (status, told["error"]["code"]) == (403, "console_proof_invalid")


@pytest.mark.parametrize(
    "headers", [FOREIGN, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]
)
async def test_given_another_site_when_it_sends_a_request_then_it_gets_nothing(
    running: WholeService, headers: dict[str, str]
) -> None:
    spelled = {k.replace("-", "_"): v for k, v in headers.items()}
    async with signed_in(running, "user-12") as client:
        for method, path in (
            ("GET", CALLS),
            ("DELETE", CALLS),
            ("GET", "/console/session"),
            ("POST", "/console/session"),
            ("DELETE", "/console/session"),
            ("GET", "/console/phones/0003*210"),
        ):
            status, told = await client.ask(method, path, None, **spelled)
            assert (method, path, status) == (method, path, 403)
            assert told["error"]["code"] == "console_proof_invalid"


async def test_given_a_form_of_another_site_when_it_signs_in_then_it_is_refused(
    running: WholeService,
) -> None:
    async with console_client(running) as client:
        url = f"{running.base_url}/console/session"
        async with client.http.post(url, data='{"code": "x"}') as answer:
            assert answer.status == 400
            assert "Set-Cookie" not in answer.headers


async def test_given_a_session_when_signed_out_then_its_token_counts_nowhere(
    running: WholeService,
) -> None:
    async with signed_in(running, "user-12") as client:
        token = SimpleCookie(client.set_cookie)[COOKIE].value
        assert (await client.ask("DELETE", "/console/session"))[0] == 204
        assert SimpleCookie(client.set_cookie)[COOKIE]["max-age"] == "0"
        status, told = await client.ask("GET", "/console/session", Cookie=f"{COOKIE}={token}")
        assert (status, told) == (200, None)
        assert (await client.ask("GET", CALLS, Authorization=f"Bearer {token}"))[0] == 401


async def test_given_a_link_when_used_then_it_signs_in_once(running: WholeService) -> None:
    code = running.service.sign_in_codes.new("user-13", "user-13")
    async with console_client(running) as client:
        status, told = await client.sign_in(code=code)
        assert (status, told["app"]["clientId"]) == (200, "user-13")
    async with console_client(running) as client:
        status, told = await client.sign_in(code=code)
        assert (status, told["error"]["code"]) == (401, "sign_in_refused")


async def test_given_many_wrong_secrets_when_tried_then_the_next_one_must_wait(
    running: WholeService,
) -> None:
    async with console_client(running) as client:
        tried = [
            (await client.sign_in(clientId="organization-0004", clientSecret="x"))[0]
            for _ in range(6)
        ]
        assert tried == [401] * 5 + [429]


async def test_given_a_session_when_it_asks_too_often_then_each_route_of_the_console_counts(
    running: WholeService,
) -> None:
    async with signed_in(running, "user-13") as client:
        counted = running.service.settings.requests_per_minute_max
        for method, path in (
            ("GET", "/console/reach"),
            ("GET", "/console/charts"),
            ("GET", "/console/phones/0003*220"),
            ("POST", "/console/phones/0003*220/provisioning"),
            ("POST", "/console/phones/0003*220/browser"),
        ):
            url, headers = client.base_url + path, {"X-Console-Proof": client.proof}
            async with client.http.request(method, url, headers=headers) as answer:
                assert f'"requests-of-app";q={counted}' in answer.headers["RateLimit-Policy"]


async def test_given_odd_fields_when_signing_in_then_the_error_is_clear(
    running: WholeService,
) -> None:
    async with console_client(running) as client:
        status, told = await client.ask("POST", "/console/session", {"code": 1})
        assert (status, told["error"]["code"]) == (400, "request_invalid")
        assert (await client.sign_in(code="\ud800"))[0] in (400, 401)
        assert (await client.ask("GET", CALLS, Cookie=f"{COOKIE}=ü"))[0] in (401, 403)
