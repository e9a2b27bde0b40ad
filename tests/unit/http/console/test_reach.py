"""What a session is told of phones and calls: what the API would tell its app, and no more."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from bridge.http.console.phone_settings import linphone_settings
from bridge.http.console.session_cookie import COOKIE, proof_of
from bridge.testing.lab.server_sent_events import read_events

from ..whole_service import WholeService
from .console_client import signed_in

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.mark.parametrize(
    ("client_id", "users"),
    [
        ("user-12", ["12"]),
        ("organization-0003", ["12", "13"]),
        ("administrator", ["12", "13", "21"]),
    ],
)
async def test_given_an_app_when_asked_for_its_reach_then_it_has_its_users_only(
    running: WholeService, client_id: str, users: list[str]
) -> None:
    async with signed_in(running, client_id) as client:
        status, told = await client.ask("GET", "/console/reach")
        assert (status, [x["id"] for x in told["users"]]) == (200, users)
        assert "secret" not in str(told).lower()


@pytest.mark.parametrize(("client_id", "shown"), [("user-12", True), ("organization-0003", False)])
async def test_given_a_phone_when_its_settings_are_asked_for_then_its_user_alone_has_the_password(
    running: WholeService, client_id: str, *, shown: bool
) -> None:
    phone = running.service.directory.directory.extensions["0003*210"]
    async with signed_in(running, client_id) as client:
        status, told = await client.ask("GET", "/console/phones/0003*210")
        assert status == 200
        assert told["password"] == (phone.sip_secret if shown else None)
        assert (told["passwordNotShown"] is None) is shown
        made, _ = await client.ask("POST", "/console/phones/0003*210/provisioning")
        assert made == 403  # the PBX of this test is somebody's own: its SIP address is not known
        assert (await client.ask("GET", "/console/phones/0004*210"))[0] == 400
        assert (await client.ask("GET", "/console/phones/0003*300"))[0] == 400


async def test_given_a_token_of_an_app_when_it_asks_for_a_password_then_it_is_denied(
    running: WholeService,
) -> None:
    async with running.client() as api:
        token = await api.authenticate()
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{running.base_url}/console/phones/0003*210"
        async with api.http.get(url, headers=headers) as answer:
            assert answer.status == 401
        # It is no session either, where its holder writes the cookie and makes the proof.
        headers = {"Cookie": f"{COOKIE}={token}", "X-Console-Proof": proof_of(token)}
        async with api.http.get(url, headers=headers) as answer:
            assert answer.status == 401
        async with api.http.get(f"{running.base_url}/console/session", headers=headers) as answer:
            assert await answer.json() is None


async def test_given_an_address_for_a_phone_when_it_is_old_or_made_up_then_nothing_is_told(
    running: WholeService,
) -> None:
    async with signed_in(running, "user-12") as client:
        assert (await client.ask("GET", "/console/provision/made-up"))[0] == 404


async def test_given_a_phone_when_linphone_is_told_its_settings_then_they_are_valid_xml(
    running: WholeService,
) -> None:
    phone = running.service.directory.directory.extensions["0003*210"]
    root = ElementTree.fromstring(linphone_settings(phone, "192.0.2.1:5060"))  # noqa: S314 - ours
    entries = {x.get("name"): x.text for x in root.iter() if x.tag.endswith("entry")}
    assert entries["reg_proxy"] == "<sip:192.0.2.1:5060;transport=udp>"
    assert entries["reg_identity"] == '"Alice Adams" <sip:0003*210@192.0.2.1>'
    assert (entries["username"], entries["passwd"]) == ("0003*210", phone.sip_secret)


async def test_given_all_in_reach_when_followed_then_each_call_has_the_link_of_its_user(
    running: WholeService,
) -> None:
    view = {"source": ["0003*210"], "destination": ["0003*220"]}
    async with running.client("organization-0003") as api:
        await api.authenticate()
        mine = set()
        for user, extension in (("12", "210"), ("13", "220")):
            body = {"extension": extension, "phoneCallView": [view]}
            async with api.http.post(
                f"{running.base_url}/uapi/phoneCalls/{user}/simple",
                json=body,
                headers={"Authorization": f"Bearer {api.token}"},
            ) as answer:
                assert answer.status == 202
                mine.add((await answer.json())[0]["id"])
        async with read_events(api, "/uapi/phoneCalls/@all/@self/stream") as reader:
            event = await reader.next()
        links = [x["links"]["self"] for x in event.data["entry"] if x["id"] in mine]
        assert sorted(x.split("/uapi/phoneCalls/")[1].rsplit("/", 1)[0] for x in links) == [
            "12/0003*210",
            "13/0003*220",
        ]
        for link in links:
            token = {"Authorization": f"Bearer {api.token}"}
            async with api.http.get(link, headers=token) as one:
                assert (await one.json())["totalResults"] == 1


async def test_given_all_in_reach_when_one_extension_is_named_then_it_is_refused(
    running: WholeService,
) -> None:
    async with signed_in(running, "administrator") as client:
        status, told = await client.ask("GET", "/uapi/phoneCalls/@all/210/stream")
        assert (status, told["error"]["code"]) == (400, "extension_invalid")
        assert (await client.ask("GET", "/uapi/phoneCalls/@all/@self"))[0] == 400
