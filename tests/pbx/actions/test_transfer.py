"""Transfer with real phones: the target has the party, or the party is back, and is never lost."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import refers, refuses, rings
from tests.pbx.calls.live_calls import wait_no_calls, wait_only_call

from .acting import MUSIC_HZ, act, acted, hear_each_other, views
from .transfers import ALICE_HZ, BOB_HZ, CAROL_HZ, numbers, talk, transfers, two_in_talk

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("begun_by", ["api", "phone"])
@pytest.mark.parametrize(
    "body",
    [
        {"phoneCallViewId": "00"},
        {"phoneCallViewId": "01", "sendCallTo": 212},
        {"transferFromNumber": "0003*210", "transferNumber": "0003*211"},
        {"transferNumber": 210, "transferFromNumber": 211},
        {"transferNumber": "0003*210"},
        {},
    ],
    ids=lambda x: "-".join(map(str, x.values())),
)
async def test_given_a_talk_when_transferred_then_the_target_talks_to_the_other_party(
    lab: RunningLab, api: ApiClient, begun_by: str, body: dict[str, object]
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
        lab.phone("0003*212", tone_hz=CAROL_HZ) as carol,
    ):
        if begun_by == "api":
            await api.place(["210"], ["211"])
        else:
            await alice.dial("211")
        before = await wait_only_call(api, "210", lambda x: views(x, "status") == [5, 5])
        from_bob = body.get("phoneCallViewId") == "01" or body.get("transferNumber") in (
            210,
            "0003*210",
        )
        kept, left = (alice, bob) if from_bob else (bob, alice)
        kept_hz, kept_number = (ALICE_HZ, "210") if from_bob else (BOB_HZ, "211")
        answer = transfers(api, before["id"], **body)

        ringing = await carol.wait_ringing()
        await left.wait_closed()
        seen = await api.wait_call(before["id"], lambda x: views(x, "status") == [4, 3])
        assert not answer.done()
        assert ringing.caller_number.endswith(kept_number)
        await carol.accept(call=ringing)

        call = (await answer).json
        assert call["id"] == before["id"]
        assert call["answered"] == before["answered"]
        assert numbers(call) == [kept_number, "212"]
        assert views(call, "status") == [5, 5]
        assert numbers(seen) == numbers(call)
        await hear_each_other(kept, kept_hz, carol, CAROL_HZ)
        await carol.hangup()
        await kept.wait_closed()
        await wait_no_calls(api)
        ended = await api.wait_ended(before["id"])
        assert (ended["endedBy"], ended["disposition"]) == ("destination", 0)


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (refuses(486), "0003*212 is busy"),
        (refuses(603), "0003*212 did not take it (rejected)"),
        (rings(), "0003*212 did not answer within 2 s"),
    ],
    ids=["busy", "rejects", "rings"],
)
@pytest.mark.parametrize("view", ["00", "01"])
async def test_given_a_target_that_does_not_answer_when_transferred_then_the_party_is_back(
    lab: RunningLab, api: ApiClient, behaviour: Any, why: str, view: str
) -> None:
    async with (
        lab.scripted("0003*212", behaviour),
        two_in_talk(lab, api) as (call_id, alice, bob),
    ):
        answer = await act(
            api, call_id, "Transfer", phoneCallViewId=view, sendCallTo="0003*212", waitForPickup="2"
        )

        assert (answer.status, answer.code) == (409, "pc_action_failed")
        kept, back = ("0003*211", "0003*210") if view == "00" else ("0003*210", "0003*211")
        assert f"{why}, and {kept} talks to {back} again" in answer.message
        call = await api.call(call_id)
        assert views(call, "status") == [5, 5]
        assert numbers(call) == [kept.removeprefix("0003*"), back.removeprefix("0003*")]
        await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)
        await wait_only_call(api, "210")
        await alice.hangup()
        await bob.wait_closed()
        await wait_no_calls(api)
        ended = await api.wait_ended(call_id)
        assert ended["endedBy"] == ("destination" if view == "00" else "source")


async def test_given_nobody_who_answers_when_transferred_then_the_call_ends_once_with_a_reason(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210") as alice,
        lab.phone("0003*211", answer="auto") as bob,
        lab.scripted("0003*212", rings()),
    ):
        call_id = await api.place(["210"], ["211"])
        await alice.accept(call=await alice.wait_ringing())
        await api.wait_call(call_id, lambda x: views(x, "status") == [5, 5])
        answer = transfers(api, call_id, waitForPickup=2)
        await alice.wait_closed()
        await alice.wait_ringing()

        refused = await answer

        assert (refused.status, refused.code) == (409, "pc_action_failed")
        assert "0003*212 did not answer within 2 s, 0003*210 did not take it back" in (
            refused.message
        )
        await bob.wait_closed()
        await wait_no_calls(api)
        ended = await api.wait_ended(call_id)
        assert (ended["disposition"], ended["endedBy"]) == (0, "pbx")
        assert ended["reason"] == "transfer not answered"


async def test_given_a_public_number_when_transferred_to_then_it_has_the_party(
    lab: RunningLab, api: ApiClient
) -> None:
    async with two_in_talk(lab, api) as (call_id, alice, bob):
        call = await acted(api, call_id, "Transfer", sendCallTo="3235550202")
        await alice.wait_closed()
        assert call["phoneCallView"][0]["destination"] == ["3235550202"]
        assert views(call, "status") == [5, 5]
        await bob.hangup()
        await wait_no_calls(api)


async def test_given_a_busy_public_number_when_transferred_to_then_the_party_is_back(
    lab: RunningLab, api: ApiClient
) -> None:
    async with two_in_talk(lab, api) as (call_id, alice, bob):
        answer = await act(api, call_id, "Transfer", sendCallTo="3235550486")
        assert (answer.status, answer.code) == (409, "pc_action_failed")
        assert "3235550486 is busy, and 0003*211 talks to 0003*210 again" in answer.message
        await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)
        await api.leave_no_call()


async def test_given_a_public_party_when_its_view_is_named_then_it_is_the_one_transferred(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*212", answer="auto") as carol,
    ):
        call_id = await api.place(["210"], ["3235550202"], allowPublicTransfer="true")
        await api.wait_call(call_id, lambda x: views(x, "status") == [5, 5])
        call = await acted(api, call_id, "Transfer", phoneCallViewId="01", sendCallTo="0003*212")
        await alice.wait_closed()
        await carol.wait_established()
        assert numbers(call) == [None, "212"]
        assert call["phoneCallView"][0]["source"] == ["3235550202"]
        await carol.hangup()
        await wait_no_calls(api)


@pytest.mark.parametrize("target", ["takes it", "is busy"])
async def test_given_a_caller_from_outside_when_transferred_then_it_is_with_one_of_the_phones(
    lab: RunningLab, api: ApiClient, target: str
) -> None:
    async with lab.phone("0003*210", answer="auto") as alice, AsyncExitStack() as stack:
        if target == "is busy":
            await stack.enter_async_context(lab.scripted("0003*211", refuses(486)))
        else:
            bob = await stack.enter_async_context(lab.phone("0003*211", answer="auto"))
        await lab.asterisk.call_in("5550003210", caller_number="3235550111", does="tone")
        call = await wait_only_call(api, "210", lambda x: views(x, "status") == [5, 5])
        answer = await act(
            api, call["id"], "Transfer", sendCallTo="211", transferNumber="+3235550111"
        )
        if target == "is busy":
            assert (answer.status, answer.code) == (409, "pc_action_failed")
            assert "3235550111 talks to 0003*210 again" in answer.message
            assert len(alice.log.dialogs) == 2
            talks = alice
        else:
            assert answer.status == 200, answer.text
            assert numbers(answer.json) == [None, "211"]
            await alice.wait_closed()
            talks = bob
        await talks.wait_tone(1000)
        assert talks.log.dialogs[-1].caller_number == "3235550111"
        await lab.asterisk.hang_up_public_network()
        await wait_no_calls(api, "@self")
        assert (await api.wait_ended(call["id"]))["endedBy"] == "source"


async def test_given_an_agent_of_a_queue_when_it_transfers_the_caller_then_the_queue_is_left(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*220", tone_hz=ALICE_HZ) as caller,
        lab.phone("0003*211", answer="auto") as agent,
        lab.phone("0003*210", tone_hz=CAROL_HZ) as carol,
    ):
        async with lab.client("user-13"):
            await caller.dial("0003*300")
        call = await wait_only_call(api, "211", lambda x: views(x, "status") == [5, 5])
        answer = asyncio.create_task(
            act(api, call["id"], "Transfer", extension="211", sendCallTo="212")
        )
        refused = await answer
        assert (refused.status, "no phone of 212" in refused.message) == (409, True)
        async with lab.phone("0003*212", answer="auto", tone_hz=BOB_HZ) as other:
            moved = await act(api, call["id"], "Transfer", extension="211", sendCallTo="212")
            assert moved.status == 200, moved.text
            await agent.wait_closed()
            assert numbers(moved.json) == ["220", "212"]
            await hear_each_other(caller, ALICE_HZ, other, BOB_HZ)
            await caller.hangup()
        assert carol.log.dialogs[-1].closed
        await wait_no_calls(api)


async def test_given_a_target_that_may_call_nobody_outside_then_it_cannot_pass_the_party_on(
    lab: RunningLab, api: ApiClient
) -> None:
    behaviour = refers("3235550202", refer_after_ms=1500, talk_ms=60_000)
    async with (
        lab.phone("0003*210", answer="auto"),
        lab.phone("0003*211", answer="auto"),
        lab.scripted("0003*214", behaviour) as lobby,
    ):
        call_id = await talk(api)
        await acted(api, call_id, "Transfer", sendCallTo="0003*214")
        refused = await act(api, call_id, "Transfer", extension="211", sendCallTo="3235550202")
        assert (refused.status, refused.code) == (400, "pc_transfer_invalid")

        assert not (await lobby.wait_transfer()).carried_out

        call = await api.call(call_id)
        assert (numbers(call), views(call, "status")) == (["211", "214"], [5, 5])
        await api.leave_no_call()


@pytest.mark.parametrize("number", ["0003*00", "0003*300", "0003*400", "0003*500"])
async def test_given_a_service_when_transferred_to_then_it_has_the_party(
    lab: RunningLab, api: ApiClient, number: str
) -> None:
    async with two_in_talk(lab, api) as (call_id, alice, bob):
        call = await acted(api, call_id, "Transfer", sendCallTo=number)
        assert call["id"] == call_id
        assert number.removeprefix("0003*") in [
            x.removeprefix("0003*") for x in call["phoneCallView"][0]["destination"]
        ]
        if number != "0003*300":  # the queue rings its agents: Alice among them
            await alice.wait_closed()
        await bob.hangup()
        await wait_no_calls(api)
        assert (await api.wait_ended(call_id))["disposition"] == 0


async def test_given_a_party_on_hold_when_transferred_then_the_target_has_it(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*212", answer="auto", tone_hz=CAROL_HZ) as carol,
        two_in_talk(lab, api) as (call_id, alice, bob),
    ):
        await acted(api, call_id, "OnHold", phoneCallViewId="00")
        held = await act(api, call_id, "Transfer", phoneCallViewId="01", sendCallTo="212")
        assert (held.status, "0003*210 holds the call" in held.message) == (409, True)
        call = await acted(api, call_id, "Transfer", phoneCallViewId="00", sendCallTo="212")
        assert views(call, "holder") == [None, None]
        await alice.wait_closed()
        await hear_each_other(bob, BOB_HZ, carol, CAROL_HZ)
        await api.leave_no_call()


@pytest.mark.parametrize("target", ["takes it", "is busy"])
async def test_given_a_phone_that_holds_when_it_transfers_by_an_app_then_the_hold_is_over(
    lab: RunningLab, api: ApiClient, target: str
) -> None:
    async with (
        lab.phone("0003*212", answer="auto", tone_hz=CAROL_HZ) as carol,
        two_in_talk(lab, api) as (call_id, alice, bob),
    ):
        await alice.hold()
        await bob.wait_tone(MUSIC_HZ)
        if target == "is busy":
            refused = await act(api, call_id, "Transfer", sendCallTo="3235550486")
            assert (refused.status, refused.code) == (409, "pc_action_failed")
            call = await api.call(call_id)
            await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)
        else:
            call = await acted(api, call_id, "Transfer", sendCallTo="0003*212")
            await hear_each_other(bob, BOB_HZ, carol, CAROL_HZ)
        assert views(call, "onHold") == [None, None]
        await eventually(lambda: bob.tone_heard(MUSIC_HZ, last_s=1.0) < -30, 6)
        await api.leave_no_call()
