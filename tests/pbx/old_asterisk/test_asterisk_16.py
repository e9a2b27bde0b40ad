"""Asterisk 16.28: old form of the event filters, Cause 0 of a source that never answered."""

from __future__ import annotations

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import answers, refuses, rings
from tests.pbx.actions.acting import act, acted, hear_each_other, views
from tests.pbx.calls.live_calls import wait_statuses

pytestmark = pytest.mark.asyncio(loop_scope="session")

BUSY, UNANSWERED = 1, 3


async def test_given_the_lab_when_asked_then_it_is_asterisk_16(lab: RunningLab) -> None:
    assert "Asterisk 16." in await lab.asterisk.pbx.console("core show version")


async def test_given_two_phones_when_called_then_both_talk_and_a_delete_hangs_them_up(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", tone_hz=440) as alice,
        lab.phone("0003*211", tone_hz=1000) as bob,
    ):
        call_id = await api.place(["210"], ["211"], extension="210")
        await alice.wait_ringing()
        await wait_statuses(api, call_id, 3, 0)
        await alice.accept()
        await bob.wait_ringing()
        await wait_statuses(api, call_id, 4, 3)
        await bob.accept()
        await wait_statuses(api, call_id, 5, 5)
        await alice.wait_tone(1000)
        await bob.wait_tone(440)

        assert (await api.hang_up("210", call_id)).json == [{"id": call_id}]

        await alice.wait_closed()
        await bob.wait_closed()
    record = await api.wait_ended(call_id)
    assert (record["disposition"], record["endedBy"], record["hangupCause"]) == (0, "api", 16)


async def test_given_a_busy_destination_when_called_then_the_record_says_busy(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210", answer="auto"), lab.scripted("0003*211", refuses(486)):
        call_id = await api.place(["210"], ["211"])
        record = await api.wait_ended(call_id)

    assert (record["disposition"], record["hangupCause"]) == (BUSY, 17)


async def test_given_a_busy_source_when_called_then_the_record_says_busy(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.scripted("0003*210", refuses(486)):
        call_id = await api.place(["210"], ["3235550201"])
        record = await api.wait_ended(call_id)

    assert (record["disposition"], record["hangupCause"]) == (BUSY, 17)


async def test_given_a_source_that_never_answers_when_called_then_the_record_says_so(
    lab: RunningLab, api: ApiClient
) -> None:
    """Its Hangup carries Cause 0 before 20.18 and 22.8."""
    async with lab.scripted("0003*210", rings()) as alice:
        call_id = await api.place(["210"], ["3235550201"], waitForPickup="1")
        record = await api.wait_ended(call_id)
        await alice.wait_closed()

    assert (record["disposition"], record["hangupCause"]) == (UNANSWERED, 19)


async def test_given_a_destination_that_never_answers_when_called_then_a_delete_ends_it(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210", answer="auto") as alice:
        call_id = await api.place(["210"], ["3235550180"])
        await wait_statuses(api, call_id, 4, 3)
        await api.hang_up("210", call_id)
        await alice.wait_closed()
        record = await api.wait_ended(call_id)

    assert record["endedBy"] == "api"


async def test_given_early_media_when_the_destination_sends_it_then_it_rings(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210", answer="auto"):
        call_id = await api.place(["210"], ["3235550183"])
        await wait_statuses(api, call_id, 4, 3)
        await api.hang_up("210", call_id)


async def test_given_two_sources_when_one_answers_then_the_other_sees_answered_elsewhere(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210") as alice,
        lab.phone("0003*211") as bob,
        lab.scripted("0003*212", answers()),
    ):
        call_id = await api.place(["210", "211"], ["212"], extension="210")
        await alice.wait_ringing()
        await bob.wait_ringing()
        await bob.accept()
        await wait_statuses(api, call_id, 5, 5)
        lost = await alice.wait_closed()
        assert lost.close_cause == 26

        assert (await api.hang_up("@self", call_id)).json == [{"id": call_id}]
        await bob.wait_closed()
    assert (await api.wait_ended(call_id))["disposition"] == 0


async def test_given_a_phone_that_dials_itself_when_listed_then_its_call_is_shown(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as alice:
        await alice.dial("3235550202")
        await alice.wait_tone(1000)
        [call] = await api.calls("210")
        assert [x["status"] for x in call["phoneCallView"]] == [5, 5]
        await api.hang_up("210", call["id"])
        await alice.wait_closed()


async def test_given_all_these_calls_when_the_log_is_read_then_nothing_was_wrong(
    lab: RunningLab,
) -> None:
    assert lab.bridge.log_lines("error") == []
    assert "Traceback" not in lab.bridge.log_text()


@pytest.mark.parametrize("view", ["00", "01"])
async def test_given_a_talk_when_an_app_transfers_then_the_target_has_the_party_or_it_is_back(
    lab: RunningLab, api: ApiClient, view: str
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=440) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=1000) as bob,
    ):
        call_id = await api.place(["210"], ["211"])
        await wait_statuses(api, call_id, 5, 5)
        async with lab.scripted("0003*212", refuses(486)):
            refused = await act(api, call_id, "Transfer", phoneCallViewId=view, sendCallTo="212")
        assert (refused.status, refused.code) == (409, "pc_action_failed")
        assert "212 is busy" in refused.message
        await hear_each_other(alice, 440, bob, 1000)
        async with lab.phone("0003*213", answer="auto", tone_hz=700) as carol:
            left, kept = (alice, bob) if view == "00" else (bob, alice)
            number = "0003*210" if view == "00" else "0003*211"
            await acted(api, call_id, "Transfer", transferFromNumber=number, sendCallTo="213")
            await left.wait_closed()
            await hear_each_other(kept, 1000 if view == "00" else 440, carol, 700)
            await api.leave_no_call()
    assert (await api.wait_ended(call_id))["endedBy"] == "api"


@pytest.mark.parametrize("view", ["00", "01"])
async def test_given_a_talk_when_an_app_parks_then_the_party_comes_back_and_can_be_fetched(
    lab: RunningLab, api: ApiClient, view: str
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=440) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=1000) as bob,
        lab.phone("0003*213", answer="auto", tone_hz=700) as carol,
    ):
        call_id = await api.place(["210"], ["211"])
        await wait_statuses(api, call_id, 5, 5)
        await hear_each_other(alice, 440, bob, 1000)
        parker, kept = (alice, bob) if view == "00" else (bob, alice)
        first = {"phoneCallViewId": view, "maxInParking": 1}
        assert (await act(api, call_id, "Park", extension="@self", **first)).status == 200
        await parker.wait_closed()
        back = await wait_statuses(api, call_id, 5, 5)
        await hear_each_other(alice, 440, bob, 1000)
        number = "210" if view == "00" else "211"
        [again] = [x["id"] for x in back["phoneCallView"] if x["extension"][-3:] == number]
        answer = await act(api, call_id, "Park", extension="@self", phoneCallViewId=again)
        assert [x["parkedBy"][-3:] for x in answer.json[0]["phoneCallView"]] == [number]
        fetched = await acted(api, call_id, "UnPark", extension="@self", sendCallTo="213")
        assert views(fetched, "parked") == [None, None]
        await hear_each_other(kept, 1000 if view == "00" else 440, carol, 700)
        await api.leave_no_call()
    assert (await api.wait_ended(call_id))["endedBy"] == "api"
