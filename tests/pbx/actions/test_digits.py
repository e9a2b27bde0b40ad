"""SendDTMF: an IVR hears the digits that are sent to it, and those that a party has pressed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import rings
from tests.pbx.calls.live_calls import wait_statuses

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOC = Path(__file__).parents[3] / "docs" / "actions.md"


async def send(api: ApiClient, call_id: str, **body: object) -> Answer:
    path = f"/uapi/phoneCalls/@me/@self/{call_id}"
    return await api.request("PUT", path, body={"action": "SendDTMF", **body})


@pytest.mark.parametrize(("view", "pressed"), [("01", "0"), ("00", 1)])
async def test_given_an_ivr_when_the_digit_of_the_echo_is_sent_then_the_caller_hears_itself(
    lab: RunningLab, api: ApiClient, view: str, pressed: object
) -> None:
    async with lab.phone("0003*211", answer="auto", tone_hz=1000) as bob:
        call_id = await api.place(["211"], ["400"], extension="211")
        await wait_statuses(api, call_id, 5, 5)
        # the IVR takes a digit before it waits for one; 3 to 9 only repeat its tone
        answer = await send(api, call_id, phoneCallViewId=view, digits="7w2", pressed=pressed)
        assert answer.status == 200, answer.text
        assert answer.json["id"] == call_id
        await bob.wait_tone(1000)
        await api.hang_up("211", call_id)
        await api.wait_ended(call_id)


async def test_given_a_talk_when_digits_are_sent_then_it_goes_on(
    lab: RunningLab, api: ApiClient
) -> None:
    bodies = re.findall(r'^    (\{"action": "SendDTMF".*\})$', DOC.read_text(), re.MULTILINE)
    assert len(bodies) == 2
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=440) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=1000) as bob,
    ):
        call_id = await api.place(["210"], ["211"])
        await wait_statuses(api, call_id, 5, 5)
        for body in bodies:
            path = f"/uapi/phoneCalls/@me/0003*210/{call_id}"
            answer = await api.request("PUT", path, body=json.loads(body))
            assert answer.status == 200, (body, answer.text)
        await alice.wait_tone(1000)
        await bob.wait_tone(440)
        await bob.hangup()
        await api.wait_ended(call_id)
        gone = await send(api, call_id, digits="1")
        assert (gone.status, gone.code) == (400, "pc_phonecall_invalid")


async def test_given_a_party_that_rings_when_digits_are_sent_then_it_is_refused(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210", answer="auto"), lab.scripted("0003*211", rings()):
        call_id = await api.place(["210"], ["211"])
        await wait_statuses(api, call_id, 4, 3)
        answer = await send(api, call_id, phoneCallViewId="01", digits="1")
        assert (answer.status, answer.code) == (409, "pc_action_failed")
        for body, code in (
            ({}, "pc_digits_invalid"),
            ({"digits": "12x"}, "pc_digits_invalid"),
            ({"digits": "1\r\nAction: Logoff"}, "pc_digits_invalid"),
            ({"digits": "1" * 33}, "pc_digits_invalid"),
            ({"digits": "1" * 20, "duration": 1000}, "pc_digits_invalid"),
            ({"digits": 1, "duration": "20"}, "pc_dtmf_invalid"),
            ({"digits": 1, "pressed": "yes"}, "pc_dtmf_invalid"),
            ({"digits": 1, "phoneCallViewId": "07"}, "pc_view_invalid"),
        ):
            refused = await send(api, call_id, **body)
            assert (refused.status, refused.code) == (400, code), body
        await api.hang_up("210", call_id)
        await api.wait_ended(call_id)
