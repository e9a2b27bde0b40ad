"""A Transfer whose target rings: deleted, left, restarted; and a target that is busy otherwise."""

from __future__ import annotations

import asyncio

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.pbx.calls.live_calls import wait_no_calls

from .acting import act, acted, hear_each_other, views
from .transfers import ALICE_HZ, BOB_HZ, CAROL_HZ, numbers, talk, transfers, two_in_talk

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_given_a_ringing_target_when_the_call_is_deleted_then_all_of_it_ends(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*212") as carol,
        two_in_talk(lab, api) as (call_id, alice, bob),
    ):
        answer = transfers(api, call_id, waitForPickup=20)
        ringing = await carol.wait_ringing()
        await api.wait_call(call_id, lambda x: views(x, "status") == [4, 3])
        again = await act(api, call_id, "Transfer", phoneCallViewId="00", sendCallTo="0003*213")
        assert (again.status, again.code) == (400, "pc_view_invalid")

        assert (await api.hang_up("210", call_id)).json == [{"id": call_id}]

        refused = await answer
        assert (refused.status, refused.code) == (409, "pc_action_failed")
        assert "the call was hung up" in refused.message
        await carol.wait_closed(call=ringing)
        await bob.wait_closed()
        await wait_no_calls(api)
        ended = await api.wait_ended(call_id)
        assert (ended["endedBy"], ended["disposition"]) == ("api", 0)
        assert len(alice.log.dialogs) == 1


async def test_given_a_ringing_target_when_the_party_hangs_up_then_the_answer_says_so(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*212") as carol,
        two_in_talk(lab, api) as (call_id, alice, bob),
    ):
        answer = transfers(api, call_id, waitForPickup=20)
        await carol.wait_ringing()
        await bob.hangup()
        refused = await answer
        assert (refused.status, "0003*211 hung up" in refused.message) == (409, True)
        assert (await api.wait_ended(call_id))["endedBy"] == "source"
        assert len(alice.log.dialogs) == 1


async def test_given_a_ringing_target_when_the_service_restarts_then_the_party_comes_back(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*212") as carol,
        two_in_talk(lab, api) as (call_id, alice, bob),
    ):
        answer = transfers(api, call_id, waitForPickup=10)
        await carol.wait_ringing()
        await lab.bridge.kill()
        await asyncio.gather(answer, return_exceptions=True)
        await lab.bridge.start()

        seen = await api.wait_call(call_id, lambda x: views(x, "status") == [4, 3])

        assert numbers(seen) == ["211", "212"]
        back = await api.wait_call(call_id, lambda x: views(x, "status") == [5, 5], 20)
        assert numbers(back) == ["211", "210"]
        await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)
        await alice.hangup()
        await wait_no_calls(api)
        assert (await api.wait_ended(call_id))["endedBy"] == "destination"


@pytest.mark.parametrize("target", ["listens", "is parked"])
async def test_given_a_target_that_listens_or_is_parked_when_transferred_then_its_phone_rings(
    lab: RunningLab, api: ApiClient, target: str
) -> None:
    async with (
        lab.phone("0003*210", answer="auto"),
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
        lab.phone("0003*212", answer="auto", tone_hz=CAROL_HZ) as carol,
        lab.phone("0003*213", answer="auto"),
    ):
        if target == "is parked":
            other = await api.place(["213"], ["212"], extension="213")
            await api.wait_call(other, lambda x: views(x, "status") == [5, 5])
            await act(api, other, "Park", extension="213")
        call_id = await talk(api)
        if target == "listens":
            other = (await acted(api, call_id, "Monitor", sendCallTo="0003*212"))["id"]
        await carol.wait_established()

        call = await acted(api, call_id, "Transfer", sendCallTo="0003*212")

        assert (numbers(call), views(call, "status")) == (["211", "212"], [5, 5])
        await bob.wait_tone(CAROL_HZ)
        assert len(carol.log.dialogs) == 2
        if target == "listens":  # it heard the party that has left
            assert (await api.wait_ended(other))["endedBy"] == "other call"
        else:
            [waits] = (await api.call(other))["phoneCallView"]
            assert "parked" in waits
        await api.leave_no_call()
