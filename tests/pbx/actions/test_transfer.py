"""Transfer with real phones: the target has the party, or the party is back, and is never lost."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import refers, refuses, rings
from tests.pbx.calls.live_calls import wait_no_calls, wait_only_call

from .acting import MUSIC_HZ, act, acted, hear_each_other, views

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALICE_HZ, BOB_HZ, CAROL_HZ = 440, 620, 850


_LISTENING: dict[str, Any] = {"sendCallTo": "0003*213"}
_RECORDING = ("StartRecording", "StopRecording", "PauseRecording", "ResumeRecording")
FOR_ONE_PARTY: dict[str, dict[str, Any]] = {
    **{x: {} for x in ("OnHold", "OffHold", "Park", *_RECORDING)},
    **dict.fromkeys(("Monitor", "Whisper", "BargeIn"), _LISTENING),
    "SendDTMF": {"digits": "1"},
}


async def talk(api: ApiClient, **more: Any) -> str:
    """Of 0003*210 and 0003*211, whose phones answer by themselves; the id of the call."""
    call_id = await api.place(["210"], ["211"], **more)
    await api.wait_call(call_id, lambda x: views(x, "status") == [5, 5])
    return call_id


def numbers(call: Any) -> list[str | None]:
    """The short number of each party, None of a public one."""
    return [x and x.removeprefix("0003*") for x in views(call, "extension")]


def transfers(api: ApiClient, call_id: str, **body: object) -> asyncio.Task[Answer]:
    """Transfer to 0003*212, under way."""
    fields: dict[str, Any] = {"sendCallTo": "0003*212", "waitForPickup": 3, **body}
    return asyncio.create_task(act(api, call_id, "Transfer", **fields))


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
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
        lab.scripted("0003*212", behaviour),
    ):
        call_id = await talk(api)
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
    async with (
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
    ):
        call_id = await talk(api)
        call = await acted(api, call_id, "Transfer", sendCallTo="3235550202")
        await alice.wait_closed()
        assert call["phoneCallView"][0]["destination"] == ["3235550202"]
        assert views(call, "status") == [5, 5]
        await bob.hangup()
        await wait_no_calls(api)


async def test_given_a_busy_public_number_when_transferred_to_then_the_party_is_back(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
    ):
        call_id = await talk(api)
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


@pytest.mark.parametrize("rule", ["the call", "an extension"])
async def test_given_a_rule_against_public_numbers_when_transferred_to_one_then_it_is_refused(
    lab: RunningLab, api: ApiClient, rule: str
) -> None:
    other = "0003*214" if rule == "an extension" else "0003*211"
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone(other, answer="auto", tone_hz=BOB_HZ) as bob,
    ):
        if rule == "an extension":
            await alice.dial("214")
            call = await wait_only_call(api, "210", lambda x: views(x, "status") == [5, 5])
            call_id = call["id"]
        else:
            call_id = await api.place(["210"], ["3235550202"])
            await api.wait_call(call_id, lambda x: views(x, "status") == [5, 5])
        answer = await act(api, call_id, "Transfer", sendCallTo="3235550201")
        assert (answer.status, answer.code) == (400, "pc_transfer_invalid")
        assert "3235550201" in answer.message
        assert views(await api.call(call_id), "status") == [5, 5]
        if rule == "an extension":
            await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)
        await api.leave_no_call()


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
    async with (
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*211", answer="auto") as bob,
    ):
        call_id = await talk(api)
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
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
        lab.phone("0003*212", answer="auto", tone_hz=CAROL_HZ) as carol,
    ):
        call_id = await talk(api)
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
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
        lab.phone("0003*212", answer="auto", tone_hz=CAROL_HZ) as carol,
    ):
        call_id = await talk(api)
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


async def test_given_a_ringing_target_when_the_call_is_deleted_then_all_of_it_ends(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*211", answer="auto") as bob,
        lab.phone("0003*212") as carol,
    ):
        call_id = await talk(api)
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
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*211", answer="auto") as bob,
        lab.phone("0003*212") as carol,
    ):
        call_id = await talk(api)
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
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
        lab.phone("0003*212") as carol,
    ):
        call_id = await talk(api)
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


async def test_given_a_transfer_that_cannot_be_when_asked_then_nothing_of_the_call_changes(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
    ):
        call_id = await talk(api)
        before = await api.call(call_id)
        for body, status, code in (
            ({}, 400, "pc_sendcallto_invalid"),
            ({"sendCallTo": ""}, 400, "pc_sendcallto_invalid"),
            ({"sendCallTo": None}, 400, "pc_sendcallto_invalid"),
            ({"sendCallTo": ["212"]}, 400, "pc_sendcallto_invalid"),
            ({"sendCallTo": "212\r\nAction: Logoff"}, 400, "pc_sendcallto_invalid"),
            ({"sendCallTo": "0003*999"}, 400, "pc_sendcallto_invalid"),
            ({"sendCallTo": "0003*600"}, 400, "pc_sendcallto_invalid"),
            ({"sendCallTo": "19005550100"}, 400, "pc_sendcallto_invalid"),
            ({"sendCallTo": "0003*210"}, 400, "pc_sendcallto_invalid"),
            ({"sendCallTo": 211}, 400, "pc_sendcallto_invalid"),
            ({"sendCallTo": 212}, 409, "pc_action_failed"),  # not registered
            ({"sendCallTo": 212, "phoneCallViewId": "02"}, 400, "pc_view_invalid"),
            ({"sendCallTo": 212, "phoneCallViewId": "x"}, 400, "pc_view_invalid"),
            ({"sendCallTo": 212, "waitForPickup": 0}, 400, "pc_timeout_invalid"),
            ({"sendCallTo": 212, "transferNumber": "213"}, 400, "pc_transfernumber_invalid"),
            ({"sendCallTo": 212, "transferNumber": "a,b"}, 400, "pc_transfernumber_invalid"),
            ({"sendCallTo": 212, "transferNumber": True}, 400, "pc_transfernumber_invalid"),
            (
                {"sendCallTo": 212, "transferFromNumber": "3235550202"},
                400,
                "pc_transferfromnumber_invalid",
            ),
            (
                {"sendCallTo": 212, "transferFromNumber": 210, "transferNumber": "0003*210"},
                400,
                "pc_transfernumber_invalid",
            ),
        ):
            answer = await act(api, call_id, "Transfer", **body)
            assert (body, answer.status, answer.code) == (body, status, code), answer.text
        assert await api.call(call_id) == before
        await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)
        await api.leave_no_call()


async def test_given_an_extension_that_has_left_when_it_names_nobody_then_nobody_is_moved(
    lab: RunningLab, api: ApiClient
) -> None:
    """It pays for the call still: a client may send its transfer twice, or after its phone did."""
    async with (
        lab.phone("0003*210", answer="auto"),
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
        lab.phone("0003*212", answer="auto", tone_hz=CAROL_HZ) as carol,
        lab.phone("0003*213", answer="auto") as dave,
    ):
        call_id = await talk(api)
        before = await acted(api, call_id, "Transfer", sendCallTo="0003*212")
        again = await act(api, call_id, "Transfer", sendCallTo="0003*213")
        assert (again.status, again.code) == (400, "pc_transferfromnumber_invalid")
        for action, body in FOR_ONE_PARTY.items():
            refused = await act(api, call_id, action, **body)
            assert (refused.status, refused.code) == (409, "pc_action_failed"), action
            assert "the extension of the URI is not in the call" in refused.message
        now = await api.call(call_id)
        assert [views(now, x) for x in ("id", "status")] == [
            views(before, x) for x in ("id", "status")
        ]
        assert dave.incoming_invites == 0
        await hear_each_other(bob, BOB_HZ, carol, CAROL_HZ)
        await acted(api, call_id, "Transfer", transferNumber="0003*211", sendCallTo="0003*213")
        await dave.wait_established()
        await carol.wait_closed()
        await api.leave_no_call()


async def test_given_an_extension_that_has_left_when_one_is_left_then_it_acts_for_itself_only(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210", answer="auto"), lab.phone("0003*211", answer="auto"):
        call_id = await talk(api)
        await acted(api, call_id, "Transfer", sendCallTo="3235550202")
        refused = await act(api, call_id, "Transfer", sendCallTo="3235550201")
        assert (refused.status, refused.code) == (400, "pc_transferfromnumber_invalid")
        refused = await act(api, call_id, "SendDTMF", digits="1")
        assert (refused.status, refused.code) == (409, "pc_action_failed")
        for of in ({"phoneCallViewId": "01"}, {"extension": "211"}):
            await acted(api, call_id, "SendDTMF", digits="1", **of)
        await api.leave_no_call()


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


async def test_given_no_call_or_two_calls_when_none_is_named_then_nobody_is_transferred(
    lab: RunningLab, api: ApiClient
) -> None:
    path, body = "/uapi/phoneCalls/@me/210", {"action": "Transfer", "sendCallTo": "213"}
    assert (await api.request("PUT", path, body=body)).status == 204
    async with lab.phone("0003*210", answer="auto"):
        for _ in range(2):
            # A phone that rings answers no second call by itself.
            await api.wait_status(await api.place(["210"], ["3235550202"]), 5)
        answer = await api.request("PUT", path, body=body)
        assert (answer.status, answer.code) == (400, "pc_phonecall_invalid")
        assert "2 calls" in answer.message
        await api.leave_no_call()
