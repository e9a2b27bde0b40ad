"""Who is told the password of a browser phone, and whose WebSocket is let in."""

from __future__ import annotations

import json
from collections.abc import Mapping

import aiohttp
import pytest

from bridge.http.console.session_cookie import COOKIE
from bridge.pbx.ari.errors import AriUnavailable

from ..whole_service import WholeService
from .console_client import console_client, signed_in

pytestmark = pytest.mark.asyncio(loop_scope="package")

PATH = "/console/phones/0003*215/browser"


@pytest.fixture
def written(running: WholeService, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The passwords that the PBX has, by name."""
    passwords: dict[str, str] = {}

    async def put(kind: str, name: str, fields: Mapping[str, str]) -> None:
        assert kind == "auth"
        passwords[name] = fields["password"]

    monkeypatch.setattr(running.service.node.ari, "put_dynamic_object", put)
    monkeypatch.setattr(type(running.service.node.phones), "makes_phones", True)
    return passwords


async def test_given_the_user_of_a_phone_when_asked_then_the_pbx_has_the_password_told(
    running: WholeService, written: dict[str, str]
) -> None:
    async with signed_in(running, "user-12") as client:
        status, told = await client.ask("POST", PATH)
        assert (status, told["user"], told["iceServers"]) == (200, "0003*215-web", [])
        assert written == {"0003*215-web": told["password"]}
        assert 3500 < told["lastsS"] <= 3600
        plain = running.service.directory.directory.extensions["0003*215"].sip_secret
        assert plain is not None
        assert plain not in json.dumps(told)


@pytest.mark.parametrize(
    ("client_id", "path", "status", "code"),
    [
        ("organization-0003", PATH, 403, "phone_secret_denied"),
        ("user-13", PATH, 400, "extension_invalid"),
        ("organization-0004", PATH, 400, "extension_invalid"),
        ("user-12", "/console/phones/0003*210/browser", 403, "browser_phone_off"),
        ("user-12", "/console/phones/0003*300/browser", 400, "extension_invalid"),
        ("user-12", "/console/phones/0003*999/browser", 400, "extension_invalid"),
    ],
)
async def test_given_somebody_else_when_asked_then_no_password_is_told(
    running: WholeService,
    written: dict[str, str],
    client_id: str,
    path: str,
    status: int,
    code: str,
) -> None:
    async with signed_in(running, client_id) as client:
        said, told = await client.ask("POST", path)
        assert (said, told["error"]["code"]) == (status, code)
    assert written == {}


async def test_given_no_session_or_another_page_when_asked_then_no_password_is_told(
    running: WholeService, written: dict[str, str]
) -> None:
    async with console_client(running) as stranger:
        assert (await stranger.ask("POST", PATH))[0] in (401, 403)
        async with running.client() as api:
            token = await api.authenticate()
        bearer = f"Bearer {token}"
        assert (await stranger.ask("POST", PATH, Authorization=bearer))[0] in (401, 403)
    async with signed_in(running, "user-12") as client:
        assert (await client.ask("POST", PATH, Origin="https://evil.example"))[0] == 403
        client.proof = "made-up"
        assert (await client.ask("POST", PATH))[0] == 403
    assert written == {}


async def test_given_a_pbx_that_is_away_when_asked_then_503(
    running: WholeService, written: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise AriUnavailable("it is away")

    monkeypatch.setattr(running.service.node.ari, "put_dynamic_object", away)
    async with signed_in(running, "user-12") as client:
        status, told = await client.ask("POST", PATH)
        assert (status, told["error"]["code"]) == (503, "pbx_unavailable")


@pytest.mark.parametrize(
    ("cookie", "origin", "host", "status"),
    [
        # A name that the service does not know it has: the session tells.
        ("own", "http://console.example:80", "console.example:80", 503),
        ("", "http://console.example:80", "console.example:80", 403),
        ("made-up", "http://console.example:80", "console.example:80", 403),
        ("own", "https://evil.example", "console.example:80", 403),
    ],
)
async def test_given_a_page_by_a_name_when_it_connects_then_its_session_counts(
    running: WholeService, cookie: str, origin: str, host: str, status: int
) -> None:
    """503: the PBX of this test has no WebSocket."""
    async with signed_in(running, "user-12") as client:
        own = next(x.value for x in client.http.cookie_jar if x.key == COOKIE)
    headers = {"Origin": origin, "Host": host}
    if cookie:
        headers["Cookie"] = f"{COOKIE}={own if cookie == 'own' else cookie}"
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(f"{running.base_url}/ws", protocols=("sip",), headers=headers)
    assert refused.value.status == status
