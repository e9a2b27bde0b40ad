"""A Transfer that cannot be: refused with its reason, and the talk goes on as it was."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.pbx.calls.live_calls import wait_only_call

from .acting import act, acted, hear_each_other, views
from .transfers import ALICE_HZ, BOB_HZ, CAROL_HZ, talk, two_in_talk

pytestmark = pytest.mark.asyncio(loop_scope="session")

_LISTENING: dict[str, Any] = {"sendCallTo": "0003*213"}
_RECORDING = ("StartRecording", "StopRecording", "PauseRecording", "ResumeRecording")
FOR_ONE_PARTY: dict[str, dict[str, Any]] = {
    **{x: {} for x in ("OnHold", "OffHold", "Park", *_RECORDING)},
    **dict.fromkeys(("Monitor", "Whisper", "BargeIn"), _LISTENING),
    "SendDTMF": {"digits": "1"},
}


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


async def test_given_a_transfer_that_cannot_be_when_asked_then_nothing_of_the_call_changes(
    lab: RunningLab, api: ApiClient
) -> None:
    async with two_in_talk(lab, api) as (call_id, alice, bob):
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
        lab.phone("0003*212", answer="auto", tone_hz=CAROL_HZ) as carol,
        lab.phone("0003*213", answer="auto") as dave,
        two_in_talk(lab, api) as (call_id, _, bob),
    ):
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
