"""Transfer of a caller whose call still rings: the ringing ends, and the target has the caller."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import refuses
from tests.pbx.calls.live_calls import wait_no_calls, wait_only_call

from .acting import act, acted, hear_each_other, views

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALICE_HZ, BOB_HZ, CAROL_HZ = 440, 620, 850


def numbers(call: Any) -> list[str | None]:
    return [x and x.removeprefix("0003*") for x in views(call, "extension")]


async def ringing_call(api: ApiClient, number: str) -> Any:
    return await wait_only_call(api, number, lambda x: 3 in views(x, "status"))


@pytest.mark.parametrize("begun_by", ["api", "phone"])
@pytest.mark.parametrize("body", [{"phoneCallViewId": "01"}, {"transferFromNumber": "0003*211"}])
async def test_given_a_ringing_phone_when_it_transfers_the_caller_then_the_target_has_it(
    lab: RunningLab, api: ApiClient, begun_by: str, body: dict[str, object]
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211") as bob,
        lab.phone("0003*212", answer="auto", tone_hz=CAROL_HZ) as carol,
    ):
        if begun_by == "api":
            await api.place(["210"], ["211"])
        else:
            await alice.dial("211")
        await bob.wait_ringing()
        before = await ringing_call(api, "210")

        call = await acted(api, before["id"], "Transfer", sendCallTo="0003*212", **body)

        assert call["id"] == before["id"]
        assert (numbers(call), views(call, "status")) == (["210", "212"], [5, 5])
        await bob.wait_closed()
        await hear_each_other(alice, ALICE_HZ, carol, CAROL_HZ)
        await carol.hangup()
        await alice.wait_closed()
        await wait_no_calls(api)
        ended = await api.wait_ended(before["id"])
        assert (ended["endedBy"], ended["disposition"]) == ("destination", 0)
        of = {x["extension"][-3:]: x.get("disposition") for x in ended["phoneCallView"]}
        assert of == {"210": 0, "211": 3, "212": 0}


@pytest.mark.parametrize("back", ["answers", "does not"])
async def test_given_a_target_that_is_busy_when_a_ringing_phone_transfers_then_it_rings_again(
    lab: RunningLab, api: ApiClient, back: str
) -> None:
    async with (
        lab.phone("0003*211", tone_hz=BOB_HZ) as bob,
        lab.scripted("0003*212", refuses(486)),
    ):
        await lab.asterisk.call_in("5550003211", caller_number="3235550111", does="tone")
        await bob.wait_ringing()
        before = await ringing_call(api, "211")
        bob.answer = "auto" if back == "answers" else "reject_busy"

        answer = await act(
            api,
            before["id"],
            "Transfer",
            extension="211",
            sendCallTo="0003*212",
            transferNumber="3235550111",
        )

        assert (answer.status, answer.code) == (409, "pc_action_failed")
        if back == "answers":
            assert "3235550111 talks to 0003*211 again" in answer.message
            await bob.wait_tone(1000)
            await lab.asterisk.hang_up_public_network()
            ended = await api.wait_ended(before["id"])
            assert (ended["endedBy"], ended["disposition"]) == ("source", 0)
        else:
            assert "0003*211 did not take it back" in answer.message
            ended = await api.wait_ended(before["id"])
            assert ended["disposition"] == 1, ended
        await wait_no_calls(api)


@pytest.mark.parametrize("back", ["answers", "does not"])
async def test_given_a_call_of_an_app_when_nobody_takes_it_then_the_answer_and_the_record_say_so(
    lab: RunningLab, api: ApiClient, back: str
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", tone_hz=BOB_HZ) as bob,
    ):
        call_id = await api.place(["210"], ["211"])
        await bob.wait_ringing()
        bob.answer = "auto" if back == "answers" else "reject_busy"
        body = {"phoneCallViewId": "01", "sendCallTo": "3235550486"}
        answer = await act(api, call_id, "Transfer", **body)
        assert (answer.status, answer.code) == (409, "pc_action_failed")
        assert "3235550486 is busy" in answer.message
        if back == "answers":
            await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)
            await alice.hangup()
        ended = await api.wait_ended(call_id)
        assert ended["disposition"] == (0 if back == "answers" else 1)
        assert ended["endedBy"] == ("source" if back == "answers" else "destination")
        await wait_no_calls(api)


async def test_given_who_cannot_transfer_while_it_rings_then_nothing_has_changed(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*211") as bob,
        lab.phone("0003*212", answer="auto") as carol,
    ):
        created = await api.place(["210"], ["211"])
        await bob.wait_ringing()
        refused = await act(api, created, "Transfer", phoneCallViewId="00", sendCallTo="0003*212")
        assert (refused.status, refused.code) == (409, "pc_action_failed")
        assert views(await api.call(created), "status") == [4, 3]
        await api.leave_no_call()
        await alice.dial("211")
        call = await ringing_call(api, "210")
        refused = await act(api, call["id"], "Transfer", sendCallTo="0003*212")
        assert (refused.status, "has not answered" in refused.message) == (409, True)
        assert carol.incoming_invites == 0
        await api.leave_no_call()
