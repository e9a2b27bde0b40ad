"""Which phone may be rung for which call, and how the vendor's clients write that."""

from __future__ import annotations

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.pbx.actions.listening import act, talk

pytestmark = pytest.mark.asyncio(loop_scope="session")

ACTIONS = ("Monitor", "Whisper", "BargeIn", "PickUp", "UnPark")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"sendCallTo": None}, "pc_sendcallto_invalid"),
        ({"sendCallTo": ""}, "pc_sendcallto_invalid"),
        ({"sendCallTo": {}}, "pc_sendcallto_invalid"),
        ({"sendCallTo": "999"}, "pc_sendcallto_invalid"),
        ({"sendCallTo": "212&PJSIP/211"}, "pc_sendcallto_invalid"),
        ({"sendCallTo": "3235742879"}, "pc_sendcallto_invalid"),  # a public number
        ({"sendCallTo": "0003*300"}, "pc_sendcallto_invalid"),  # a queue
        ({"sendCallTo": "0003*00"}, "pc_sendcallto_invalid"),
        ({"sendCallTo": "0004*210"}, "pc_sendcallto_invalid"),  # of another organization
        ({"sendCallTo": "211"}, "pc_sendcallto_invalid"),  # a party of the call
        ({"waitForPickup": "0"}, "pc_timeout_invalid"),
        ({"waitForPickup": "soon"}, "pc_timeout_invalid"),
        ({"callerId": "Boss\r\nAction: Hangup"}, "pc_callerid_invalid"),
        ({"sendCallTo": "213"}, "pc_callerid_invalid"),  # which may not set it
        ({"phoneCallViewId": "07"}, "pc_view_invalid"),
        ({"private": "maybe"}, "pc_private_invalid"),
    ],
)
async def test_given_a_wrong_field_when_put_then_nobody_is_rung(
    lab: RunningLab, api: ApiClient, fields: dict[str, object], code: str
) -> None:
    async with talk(lab, api) as call:
        answer = await act(api, call.call_id, "Whisper", **fields)
        assert (answer.status, answer.code) == (400, code), answer.text
        assert call.boss.log.dialogs == []
        assert len(await api.calls("@self")) == 1


@pytest.mark.parametrize("action", ACTIONS)
async def test_given_no_such_call_when_put_then_nobody_is_rung(api: ApiClient, action: str) -> None:
    answer = await act(api, "b817d2618fe6f1804333", action)
    assert (answer.status, answer.code) == (400, "pc_phonecall_invalid")


async def test_given_no_call_id_and_no_call_when_put_then_there_is_nothing_to_do(
    api: ApiClient,
) -> None:
    answer = await act(api, "", "Monitor")
    assert answer.status == 204


async def test_given_no_call_id_and_one_call_when_put_then_that_is_listened_to(
    lab: RunningLab, api: ApiClient
) -> None:
    async with talk(lab, api) as call:
        answer = await act(api, "", "Monitor", phoneCallViewId="00")
        [listener] = answer.json
        assert listener["actsOn"]["phoneCallId"] == call.call_id
        both = await act(api, listener["id"], "Monitor")
        assert (both.status, both.code) == (400, "pc_phonecall_invalid")  # not one of 210


async def test_given_a_call_that_listens_when_it_is_to_be_listened_to_then_that_is_refused(
    lab: RunningLab, api: ApiClient
) -> None:
    async with talk(lab, api) as call:
        listener = (await act(api, call.call_id, "Monitor")).json
        answer = await api.request(
            "PUT",
            listener["links"]["self"],
            body={"action": "Monitor", "phoneCallViewId": "00", "sendCallTo": "214"},
        )
        assert (answer.status, answer.code) == (409, "pc_action_failed")
        assert "acts on another call" in answer.message


@pytest.mark.parametrize("action", ["PickUp", "UnPark"])
async def test_given_a_talk_when_there_is_nothing_to_pick_up_or_fetch_then_nobody_is_rung(
    lab: RunningLab, api: ApiClient, action: str
) -> None:
    async with talk(lab, api) as call:
        answer = await act(api, call.call_id, action)
        assert (answer.status, answer.code) == (409, "pc_action_failed")
        assert call.boss.log.dialogs == []


@pytest.mark.parametrize("client", ["user-13", "organization-0004"])
async def test_given_an_app_of_somebody_else_when_put_then_the_call_is_not_there(
    lab: RunningLab, api: ApiClient, client: str
) -> None:
    async with talk(lab, api) as call, lab.client(client) as other:
        for path in ("12/210", "12/0003*210", "@me/0003*210"):
            answer = await other.request(
                "PUT",
                f"/uapi/phoneCalls/{path}/{call.call_id}",
                body={"action": "Monitor", "phoneCallViewId": "00", "sendCallTo": "212"},
            )
            assert answer.status == 400, answer.text
            assert answer.code in ("user_invalid", "extension_invalid")
        assert call.boss.log.dialogs == []


async def test_given_the_phone_of_a_colleague_when_it_is_to_listen_then_it_may(
    lab: RunningLab, api: ApiClient
) -> None:
    async with talk(lab, api) as call, lab.phone("0003*220", answer="auto") as bob:
        answer = await act(api, call.call_id, "Monitor", sendCallTo="220", callerId=None)
        assert answer.status == 200, answer.text
        # It belongs to the user of that phone.
        assert "/uapi/phoneCalls/13/" in answer.json["links"]["self"]
        assert answer.json["extension"] == "220"
        assert bob.current is not None
