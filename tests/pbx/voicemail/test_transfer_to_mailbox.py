"""TransferToVoicemail: a party that talked leaves a message, and nobody is lost on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bridge.local_asterisk.local_asterisk import LocalAsterisk
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import refuses
from bridge.testing.softphones.softphone import Softphone
from tests.pbx.actions.acting import act, acted, hear_each_other, views
from tests.pbx.actions.test_examples_of_send_call_to import BODIES
from tests.pbx.calls.live_calls import wait_only_call

from .messages import files, messages

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALICE_HZ, BOB_HZ = 440, 700
[EXAMPLE] = [
    {k: v for k, v in x.items() if k != "action"}
    for x in BODIES
    if x["action"] == "TransferToVoicemail"
]


@asynccontextmanager
async def talk(lab: RunningLab, api: ApiClient) -> AsyncIterator[tuple[str, Softphone, Softphone]]:
    """Of 0003*210 and 0003*211: the id of the call, and their phones."""
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
    ):
        call_id = await api.place(["210"], ["211"])
        await api.wait_call(call_id, lambda x: views(x, "status") == [5, 5])
        yield call_id, alice, bob
        await api.leave_no_call()


@pytest.mark.parametrize(
    ("body", "mailbox", "kept"),
    [
        (EXAMPLE, "0003*212", 211),
        ({"sendCallTo": 213, "phoneCallViewId": "00", "transferFromNumber": 210}, "0003*213", 211),
        ({"phoneCallViewId": "01"}, "0003*211", 210),
    ],
    ids=["as on the page", "by view and number", "own mailbox"],
)
async def test_given_a_talk_when_transferred_to_voicemail_then_the_message_is_kept(
    lab: RunningLab, api: ApiClient, body: dict[str, Any], mailbox: str, kept: int
) -> None:
    before = await messages(lab, "new", mailbox)
    async with talk(lab, api) as (call_id, alice, bob):
        talked = await api.call(call_id)
        call = await acted(api, call_id, "TransferToVoicemail", **body)

        caller, left = (bob, alice) if kept == 211 else (alice, bob)
        await left.wait_closed()
        assert (call["id"], call["takenBy"]) == (call_id, "voicemail")
        assert call["answered"] == talked["answered"]
        assert [x.removeprefix("0003*") for x in views(call, "extension")] == [str(kept)]
        assert views(call, "status") == [5]
        assert call["phoneCallView"][0]["destination"] == [mailbox]
        known = files(lab)
        await caller.send_dtmf("5")  # ends the greeting
        await eventually(lambda: len(files(lab)) > len(known), timeout=20)
        [file] = [x for x in files(lab) if x not in known]
        await eventually(lambda: file.stat().st_size > 2.5 * 16_000, timeout=20)
        await caller.hangup()
        ended = await api.wait_ended(call_id)
        assert (ended["takenBy"], ended["disposition"], ended["endedBy"]) == (
            "voicemail",
            0,
            "source",
        )

        async def kept_message() -> bool:
            return await messages(lab, "new", mailbox) == before + 1

        await eventually(kept_message)


async def test_given_a_target_with_voicemail_when_transferred_and_busy_then_its_mailbox_has_it(
    lab: RunningLab, api: ApiClient
) -> None:
    async with talk(lab, api) as (call_id, alice, _), lab.scripted("0003*212", refuses(486)):
        call = await acted(api, call_id, "Transfer", sendCallTo="0003*212")
        assert call["takenBy"] == "voicemail"
        await alice.wait_closed()
        await api.leave_no_call()


async def test_given_a_mailbox_that_takes_nothing_when_transferred_to_then_the_talk_goes_on(
    lab: RunningLab, api: ApiClient
) -> None:
    async with talk(lab, api) as (call_id, alice, bob):
        for body, code in (
            ({}, "pc_sendcallto_invalid"),  # 0003*210 has no voicemail
            ({"sendCallTo": "0003*214"}, "pc_sendcallto_invalid"),
            ({"sendCallTo": "0003*300"}, "pc_sendcallto_invalid"),
            ({"sendCallTo": "0004*210"}, "pc_sendcallto_invalid"),
            ({"sendCallTo": "3235550200"}, "pc_sendcallto_invalid"),
            ({"sendCallTo": True}, "pc_sendcallto_invalid"),
            ({"sendCallTo": 212, "transferNumber": "0003*213"}, "pc_transfernumber_invalid"),
            ({"sendCallTo": 212, "transferFromNumber": []}, "pc_transferfromnumber_invalid"),
            ({"sendCallTo": 212, "phoneCallViewId": "09"}, "pc_view_invalid"),
        ):
            answer = await act(api, call_id, "TransferToVoicemail", **body)
            assert (body, answer.status, answer.code) == (body, 400, code), answer.text

        assert isinstance(lab.asterisk, LocalAsterisk)
        pbx = lab.asterisk.pbx
        said = await pbx.console("dialplan show globals")
        limits = next(x for x in said.split() if x.startswith("BRIDGE_VOICEMAIL="))
        name, _, value = limits.partition("=")
        try:
            for other, why in (("180~0~recording", "is full"), ("", "has no voicemail")):
                await pbx.console(f'dialplan set global {name} "{other}"')
                answer = await act(api, call_id, "TransferToVoicemail", sendCallTo="0003*212")
                assert (answer.status, answer.code) == (409, "pc_action_failed")
                assert why in answer.message
        finally:
            await pbx.console(f"dialplan set global {name} {value}")
        assert views(await api.call(call_id), "status") == [5, 5]
        await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)


async def test_given_a_phone_that_rings_when_it_sends_the_caller_to_its_mailbox_then_it_is_there(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as alice, lab.phone("0003*212") as carol:
        await alice.dial("212")
        await carol.wait_ringing()
        before = await wait_only_call(api, "212", lambda x: 3 in views(x, "status"))
        call = await acted(api, before["id"], "TransferToVoicemail", extension="212")
        assert call["takenBy"] == "voicemail"
        await carol.wait_closed()
        await alice.hangup()
        ended = await api.wait_ended(before["id"])
        assert (ended["reason"], ended["endedBy"]) == ("taken by the PBX", "source")
