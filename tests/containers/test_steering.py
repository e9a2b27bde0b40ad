"""What apps do with calls, conferences and agents beyond test_actions.py: also in containers."""

from __future__ import annotations

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.softphones.sipp_behaviour import rings
from tests.pbx.actions.listening import ALICE_HZ, BOB_HZ, BOSS_HZ, acted, hear, talk
from tests.pbx.calls.live_calls import wait_no_calls, wait_statuses
from tests.pbx.conferences.test_conferences import invite, wait_members, wait_silent
from tests.pbx.queues.queue_client import QUEUE, agents, only, set_status, wait_callers

from .container_lab import ContainerLab

pytestmark = pytest.mark.asyncio(loop_scope="session")

A, B, C = ALICE_HZ, BOB_HZ, BOSS_HZ


@pytest.mark.parametrize(
    ("action", "alice", "bob", "boss"),
    [
        ("Monitor", (B,), (A,), (A, B)),
        ("Whisper", (B, C), (A,), (A, B)),
        ("BargeIn", (B, C), (A, C), (A, B)),
    ],
)
async def test_given_a_talk_when_a_phone_listens_then_each_hears_whom_it_should(
    lab: ContainerLab,
    api: ApiClient,
    action: str,
    alice: tuple[int, ...],
    bob: tuple[int, ...],
    boss: tuple[int, ...],
) -> None:
    async with talk(lab, api) as call:
        listener = await acted(api, call.call_id, action)

        await hear({call.alice: alice, call.bob: bob, call.boss: boss})
        assert listener["actsOn"]["phoneCallId"] == call.call_id
        await api.hang_up("210", call.call_id)
        await call.boss.wait_closed()
        assert (await api.wait_ended(listener["id"]))["endedBy"] == "other call"


async def test_given_a_call_that_rings_when_picked_up_then_the_phone_talks_in_its_place(
    lab: ContainerLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=A) as alice,
        lab.phone("0003*211", tone_hz=B) as bob,
        lab.phone("0003*212", answer="auto", tone_hz=C) as boss,
    ):
        call_id = await api.place(["210"], ["211"])
        await bob.wait_ringing()
        await api.wait_status(call_id, 4)

        assert (await acted(api, call_id, "PickUp", phoneCallViewId="01"))["id"] == call_id

        await bob.wait_closed()
        await hear({alice: (C,), boss: (A,)})
        await api.hang_up("210", call_id)
        assert (await api.wait_ended(call_id))["disposition"] == 0


async def test_given_a_conference_when_phones_are_invited_then_they_are_muted_and_taken_out(
    lab: ContainerLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=A) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=B) as bob,
    ):
        wrong = await invite(api, "210", query="number=1234&pin=1111")
        assert (wrong.status, wrong.code) == (400, "pc_pin_invalid")
        answer = await invite(api, "210", "211")
        assert answer.status == 202, answer.text
        _, second = (x["id"] for x in answer.json)
        _, member = await wait_members(api, "0003*210", "0003*211")
        await alice.wait_tone(B)
        await bob.wait_tone(A)

        one = member["links"]["self"]
        muted = await api.request("PUT", one, body={"muted": 1})
        assert (muted.status, muted.json["muted"]) == (200, 1)
        await wait_silent(alice, B)
        kicked = await api.request("DELETE", one)
        assert (kicked.status, kicked.json) == (200, [{"phoneCallId": second}])
        await bob.wait_closed()
        await wait_members(api, "0003*210")


async def test_given_agents_when_one_is_out_and_one_pauses_then_the_third_has_the_caller(
    lab: ContainerLab, api: ApiClient
) -> None:
    everybody = await agents(api)
    await only(api, "0003*211", "0003*212")
    await set_status(api, 2, "0003*212")
    async with (
        lab.phone("0003*211") as online,
        lab.scripted("0003*212", rings()) as paused,
        lab.scripted("0003*214", rings()) as logged_out,
        lab.phone("0003*213", answer="auto") as caller,
    ):
        call_id = await api.place(["213"], ["0003*300"], extension="213")
        await online.wait_ringing()
        [waits] = await wait_callers(api, 1)
        assert (waits["position"], waits["phoneCallId"]) == (1, call_id)
        listed = await api.request("GET", f"{QUEUE}/agents?filterBy=status&filterValue=2")
        assert [x["agentNumber"] for x in listed.json["entry"]] == ["0003*212"]
        await online.accept()
        await wait_statuses(api, call_id, 5, 5, 5)
        await wait_callers(api, 0)
        assert (paused.incoming_invites, logged_out.incoming_invites) == (0, 0)
        await api.hang_up("213", call_id)
        await caller.wait_closed()
    await wait_no_calls(api)
    await only(api, *everybody)
