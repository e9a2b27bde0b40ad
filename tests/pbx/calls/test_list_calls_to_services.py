"""Calls with a sandbox number, a queue or a conference: who sees them, and who ends them."""

from __future__ import annotations

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import rings
from tests.pbx.calls.live_calls import (
    extensions,
    statuses,
    wait_no_calls,
    wait_only_call,
    wait_statuses,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_given_sandbox_number_when_source_answers_then_call_is_on(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210", answer="auto", tone_hz=700) as alice:
        call_id = await api.place(["210"], ["0003*00"])
        call = await wait_statuses(api, call_id, 5, 5)
        assert call["phoneCallView"][0]["destination"] == ["0003*00"]
        await alice.wait_tone(700)  # it echoes
        await api.hang_up("@self", call_id)
        await wait_no_calls(api)
        await alice.dial("00")
        dialled = await wait_only_call(api, "210", lambda x: statuses(x) == [5])
        assert dialled["phoneCallView"][0]["destination"] == ["00"]
        await alice.hangup()
        await wait_no_calls(api)


async def test_given_call_to_queue_when_agent_answers_then_queue_and_agent_list_it(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.scripted("0003*211", rings()) as agent,
        lab.client("organization-0003") as organization,
    ):
        call_id = await api.place(["3235550202"], ["0003*300"], extension="210")
        await agent.wait_ringing()
        call = await api.wait_call(call_id, lambda x: statuses(x) == [5, 5, 3])
        assert extensions(call) == [None, "0003*300", "0003*211"]
        assert [x["id"] for x in await api.calls("300")] == [call_id]
        assert [x["id"] for x in await api.calls("211")] == [call_id]
        listed = await organization.request("GET", "/uapi/phoneCalls/12/211")
        assert [x["id"] for x in listed.json["entry"]] == [call_id]
        await api.hang_up("300")
        await agent.wait_closed()


async def test_given_an_agent_calls_its_own_queue_when_it_rings_then_the_others_only(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as alice, lab.scripted("0003*211", rings()) as bob:
        await alice.dial("300")
        await bob.wait_ringing()
        call = await wait_only_call(api, "300", lambda x: statuses(x) == [4, 3])
        # asked for as 300: all numbers are short
        assert extensions(call) == ["210", "211"]
        destinations = ["300", "211"]
        assert call["phoneCallView"][0]["destination"] == destinations
        await alice.hangup()
        await bob.wait_closed()
        record = await api.wait_ended(call["id"])
        assert record["phoneCallView"][0]["destination"] == ["0003*300", "0003*211"]


async def test_given_colleague_dials_a_conference_when_its_owner_lists_it_then_it_can_be_ended(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*220") as bob:
        await bob.dial("500")
        call = await wait_only_call(api, "500", lambda x: statuses(x)[0] == 5)
        assert call["phoneCallView"][0]["source"] == ["220"]
        listed = await api.request("GET", call["links"]["self"])
        assert [x["id"] for x in listed.json["entry"]] == [call["id"]]
        assert [x["id"] for x in await api.calls("@self")] == [call["id"]]
        assert (await api.hang_up("0003*500")).json == [{"id": call["id"]}]
        await bob.wait_closed()
        assert (await api.wait_ended(call["id"]))["endedBy"] == "api"


async def test_given_two_calls_in_one_conference_when_one_is_deleted_then_the_other_goes_on(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=700) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=1300) as bob,
        lab.phone("0003*212") as carol,
    ):
        first = await api.place(["210"], ["0003*500"])
        await wait_statuses(api, first, 5, 5)
        second = await api.place(["211"], ["0003*500"])
        await wait_statuses(api, second, 5, 5)
        await carol.dial("500")
        third = await wait_only_call(api, "212", lambda x: statuses(x) == [5])
        await alice.wait_tone(1300)
        assert len({first, second, third["id"]}) == 3

        ended = await api.hang_up("210", first)

        assert ended.json == [{"id": first}]
        await alice.wait_closed()
        record = await api.wait_ended(first)
        assert (record["endedBy"], record["reason"]) == ("api", "normal clearing")
        await carol.wait_tone(1300)
        assert statuses(await api.call(second)) == [5, 5]
        await bob.hangup()
        await api.wait_ended(second)
        assert statuses(await api.call(third["id"])) == [5]
        await carol.hangup()
        await wait_no_calls(api)
