"""Agents log in and out and pause, and the queue rings who is online: real phones."""

from __future__ import annotations

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import rings
from tests.pbx.calls.live_calls import wait_no_calls
from tests.pbx.queues.queue_client import (
    QUEUE,
    agents,
    only,
    put_status,
    set_status,
    wait_callers,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALL = [f"0003*{x}" for x in range(210, 215)]


async def test_given_agents_when_one_logs_out_and_one_pauses_then_only_the_others_ring(
    lab: RunningLab, api: ApiClient
) -> None:
    await only(api, "0003*211", "0003*212", "0003*213")
    async with (
        lab.scripted("0003*211", rings()) as online,
        lab.scripted("0003*212", rings()) as paused,
        lab.scripted("0003*213", rings()) as logged_out,
        lab.phone("0003*210") as caller,
    ):
        await set_status(api, 2, "0003*212")
        await set_status(api, "0", "213")
        await caller.dial("300")
        await online.wait_ringing()
        assert (paused.incoming_invites, logged_out.incoming_invites) == (0, 0)
        listed = await api.request("GET", f"{QUEUE}/agents/?filterBy=status&filterValue=2")
        assert [x["agentNumber"] for x in listed.json["entry"]] == ["0003*212"]

        await set_status(api, 1, "0003*212")
        await set_status(api, 2, "0003*211")
        await paused.wait_ringing(30)
        await caller.hangup()
    await wait_no_calls(api)
    await only(api, *ALL)


async def test_given_the_wire_shapes_of_clients_when_asked_then_they_are_answered(
    api: ApiClient,
) -> None:
    await only(api, *ALL)
    listed = await api.request(
        "GET", f"{QUEUE}/agents/?count=20&startIndex=0&fields=agentNumber,status"
    )
    assert listed.json["entry"] == [{"agentNumber": x, "status": "1"} for x in ALL]
    one = await api.request("GET", f"{QUEUE}/agents/0003*210/?count=20&startIndex=0")
    [agent] = one.json["entry"]
    assert agent["links"]["self"].endswith("/uapi/extensions/@me/0003*300/queue/agents/0003*210")
    changed = await api.request("PUT", f"{QUEUE}/agents/0003*210/", body={"status": "2"})
    assert (changed.status, changed.json) == (200, [{**agent, "status": "2"}])
    # Perl sends a number.
    assert (await put_status(api, "210", 0)).json[0]["status"] == "0"
    assert (await put_status(api, "210", 0)).json[0]["status"] == "0"
    by_status = await api.request("GET", f"{QUEUE}/agents?sortOrder=descending&count=4")
    assert [x["status"] for x in by_status.json["entry"]] == ["1"] * 4
    assert (await put_status(api, "210", 1)).status == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("PUT", "0003*300/queue/agents/0003*210", {}, "status_invalid"),
        ("PUT", "0003*300/queue/agents/0003*210", {"status": "3"}, "status_invalid"),
        ("PUT", "0003*300/queue/agents/0003*210", {"status": True}, "status_invalid"),
        ("PUT", "0003*300/queue/agents/0003*220", {"status": 1}, "qag_agent_invalid"),
        ("GET", "0003*300/queue/agents/0003*999", None, "qag_agent_invalid"),
        ("GET", "0003*210/queue/agents", None, "extension_invalid"),
        ("GET", "@self/queue/agents", None, "extension_invalid"),
        ("GET", "@self/queue/callers", None, "extension_invalid"),
        ("GET", "0003*300/queue/agents?filterBy=links&filterValue=1", None, "filterby_invalid"),
        ("GET", "0003*300/queue/agents?fields=phone", None, "fields_invalid"),
    ],
)
async def test_given_a_wrong_request_when_sent_then_its_code_is_answered(
    api: ApiClient, method: str, path: str, body: object, code: str
) -> None:
    refused = await api.request(method, f"/uapi/extensions/@me/{path}", body=body)
    assert (refused.status, refused.code) == (400, code)


async def test_given_another_users_app_when_it_asks_for_the_queue_then_there_is_none(
    lab: RunningLab,
) -> None:
    async with lab.client("user-13") as other:
        refused = await other.request("GET", f"{QUEUE}/agents")
        assert (refused.status, refused.code) == (400, "extension_invalid")
        refused = await put_status(other, "0003*210", 0)
        assert (refused.status, refused.code) == (400, "extension_invalid")


async def test_given_nobody_is_online_when_callers_wait_then_their_places_are_told(
    lab: RunningLab, api: ApiClient
) -> None:
    await only(api)
    first = await api.place(["3235550202"], ["0003*300"], extension="210")
    [waiting] = await wait_callers(api, 1)
    assert (waiting["position"], waiting["phoneCallId"]) == (1, first)
    presence = await api.request("GET", "/uapi/extensions/@me/300/presence")
    assert presence.json["entry"][0]["status"] == "0"
    async with lab.phone("0003*213") as caller:
        await caller.dial("300")
        one, two = await wait_callers(api, 2)
        assert (one["phoneCallId"], two["position"]) == (first, 2)
        assert two["callerId"] == "Alice Lab <5550003213>"
        followed = await api.request("GET", two["links"]["self"])
        [call] = followed.json["entry"]
        assert [x.get("queuePosition") for x in call["phoneCallView"]] == [2]
        views = (await api.call(first))["phoneCallView"]
        assert [x.get("queuePosition") for x in views] == [1, None]

        await api.hang_up("@self", first)
        [left] = await wait_callers(api, 1)
        assert (left["position"], left["phoneCallId"]) == (1, call["id"])
        await caller.hangup()
        await wait_callers(api, 0)
    await wait_no_calls(api)
    await only(api, *ALL)
    assert await agents(api) == dict.fromkeys(ALL, "1")
