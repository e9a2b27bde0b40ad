"""PhoneCallEvents of type 100: the digits that the parties of a call press."""

from __future__ import annotations

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.webhook_receiver import PARAMETERS, Receiver
from tests.pbx.calls.live_calls import wait_statuses

from .subscriber import subscribe, unsubscribe_all

pytestmark = pytest.mark.asyncio(loop_scope="session")

DIGIT = 100


async def test_given_a_talk_when_digits_are_pressed_then_each_subscriber_gets_them_in_order(
    lab: RunningLab, api: ApiClient, receiver: Receiver
) -> None:
    async with lab.phone("0003*210", answer="auto") as alice, lab.phone("0003*211", answer="auto"):
        call_id = await api.place(["210"], ["211"])
        await wait_statuses(api, call_id, 5, 5)
        await subscribe(api, "210", DIGIT, receiver.url("/own"))
        await subscribe(api, "211", DIGIT, receiver.url("/other"), method=0)
        await alice.send_dtmf("42#")
        await receiver.wait_count(3, "/own")
        await receiver.wait_count(3, "/other")
        for path in ("/own", "/other"):
            assert [x.parameters["Digit"] for x in receiver.at(path)] == ["4", "2", "#"]
        one = receiver.at("/other")[0].parameters
        assert tuple(one) == (*PARAMETERS, "Digit", "DigitFrom")
        assert (one["DigitFrom"], one["CallAPIID"], one["CallStatus"], one["CallFlow"]) == (
            "0003*210",
            call_id,
            "ANSWER",
            "in",
        )
        await unsubscribe_all(api, "210", "211")
        await subscribe(api, "211", DIGIT, receiver.url("/again"))
        path = f"/uapi/phoneCalls/@me/@self/{call_id}"
        body = {"action": "SendDTMF", "phoneCallViewId": "01", "digits": "9", "pressed": 1}
        assert (await api.request("PUT", path, body=body)).status == 200
        await receiver.wait_count(1, "/again")
        [again] = receiver.at("/again")
        assert (again.parameters["Digit"], again.parameters["DigitFrom"]) == ("9", "0003*211")
        await api.hang_up("210", call_id)


async def test_given_an_ivr_when_its_caller_presses_a_digit_then_its_subscriber_gets_it(
    lab: RunningLab, api: ApiClient, receiver: Receiver
) -> None:
    await subscribe(api, "400", DIGIT, receiver.url("/ivr"))
    async with lab.phone("0003*211") as bob:
        await bob.dial("400")
        await bob.wait_established()
        await bob.send_dtmf("7")
        await receiver.wait_count(1, "/ivr")
        [heard] = receiver.at("/ivr")
        assert heard.parameters["Digit"] == "7"
        assert heard.parameters["CalledExtension"] == "0003*400"
        assert heard.parameters["CallFlow"] == "in"
        await bob.hangup()
