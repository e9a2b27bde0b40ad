"""Who rings first: one source or several, who wins, who is left out, and when all give up."""

from __future__ import annotations

import asyncio

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.dialog_log import ANSWERED_ELSEWHERE
from bridge.testing.softphones.phone_observer import PhoneObserver
from bridge.testing.softphones.sipp_behaviour import refuses

from .public_network import wait_public_calls

pytestmark = pytest.mark.asyncio(loop_scope="session")

RINGS_FOR_EVER = "3235550180"
ECHO = "3235550201"


def invites(*phones: PhoneObserver) -> list[int]:
    return [phone.incoming_invites for phone in phones]


async def test_given_several_sources_when_one_answers_then_the_others_stop_without_a_missed_call(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210") as first,
        lab.phone("0003*211") as second,
        lab.phone("0003*212") as third,
        lab.phone("0003*213", answer="auto", tone_hz=1000) as destination,
    ):
        call_id = await api.place(["210", "211", "212"], ["213"], extension="210")
        for phone in (first, second, third):
            await phone.wait_ringing()
        ringing = await api.wait_call(
            call_id, lambda call: [x["status"] for x in call["phoneCallView"]] == [3, 3, 3, 0]
        )
        assert [x["extension"] for x in ringing["phoneCallView"]] == ["210", "211", "212", "213"]
        assert destination.incoming_invites == 0

        await second.accept()

        for loser in (first, third):
            ended = await loser.wait_closed()
            assert ended.close_reason == "CANCEL received"
            assert ended.close_cause == ANSWERED_ELSEWHERE
            assert loser.missed_calls == []
        on_call = await api.wait_status(call_id, 5)
        assert [x["extension"] for x in on_call["phoneCallView"]] == ["211", "213"]
        await second.wait_tone(1000)
        assert invites(first, second, third, destination) == [1, 1, 1, 1]

        assert (await api.hang_up("210", call_id)).json == [{"id": call_id}]
        await second.wait_closed()
        await destination.wait_closed()
        record = await api.wait_ended(call_id)
        assert (record["disposition"], record["endedBy"]) == (0, "api")
        assert invites(first, second, third, destination) == [1, 1, 1, 1]


async def test_given_several_sources_when_one_refuses_then_the_others_ring_on(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.scripted("0003*210", refuses(486)) as refusing,
        lab.phone("0003*211") as other,
    ):
        call_id = await api.place(["210", "211"], [ECHO], extension="210")
        await refusing.wait_closed()
        await other.wait_ringing()

        await other.accept()

        await api.wait_status(call_id, 5)
        assert invites(refusing, other) == [1, 1]


@pytest.mark.parametrize("sources", [["210"], ["210", "211"]], ids=len)
async def test_given_nobody_picks_up_in_time_when_it_has_passed_then_all_stop_and_not_answered(
    lab: RunningLab, api: ApiClient, sources: list[str]
) -> None:
    async with lab.phone("0003*210") as first, lab.phone("0003*211") as second:
        phones = [first, second][: len(sources)]
        call_id = await api.place(sources, [ECHO], extension="210", waitForPickup="2")
        for phone in phones:
            await phone.wait_ringing()
        for phone in phones:
            ended = await phone.wait_closed()
            assert ended.close_reason == "CANCEL received"
            assert ended.missed

        record = await api.wait_ended(call_id)
        assert record["disposition"] == 3
        assert record["endedBy"] == "pickup timeout"
        assert record["reason"] == "no answer"
        assert record["hangupCause"] == 19
        assert "answered" not in record
        # From the ringing, which begins a moment later than the wait.
        assert 500 < record["endedMs"] - record["ringingMs"] < 10_000
        assert invites(first, second) == [1] * len(sources) + [0] * (2 - len(sources))
        await wait_public_calls(lab, ECHO, 0)


@pytest.mark.parametrize("left_out", ["210", "211"])
async def test_given_an_unregistered_phone_among_the_sources_when_created_then_it_is_left_out(
    lab: RunningLab, api: ApiClient, left_out: str
) -> None:
    there = "211" if left_out == "210" else "210"
    async with lab.phone(f"0003*{there}") as phone:
        call_id = await api.place(["210", "211"], [ECHO], extension="210")
        await phone.wait_ringing()
        ringing = await api.wait_status(call_id, 3)
        assert [x.get("extension") for x in ringing["phoneCallView"]] == [there, None]

        await phone.accept()

        await api.wait_status(call_id, 5)
        assert invites(phone) == [1]


async def test_given_a_phone_that_unregistered_when_created_then_refused_at_once(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as phone:
        call_id = await api.place(["210"], [ECHO], extension="210")
        await phone.wait_ringing()
        await api.hang_up("210", call_id)
        await phone.unregister()

        async with asyncio.timeout(10):  # the PBX tells the service after the phone
            while (answer := await api.create(["210"], [ECHO], extension="210")).status == 202:
                await api.wait_ended(answer.json[0]["id"])

        assert (answer.status, answer.code) == (400, "pc_source_invalid")
        assert "no phone is registered" in answer.message
        assert invites(phone) == [1]


async def test_given_a_phone_and_a_public_number_as_sources_when_the_phone_answers_then_it_wins(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as phone:
        call_id = await api.place([RINGS_FOR_EVER, "210"], [ECHO], extension="210")
        await phone.wait_ringing()
        await api.wait_call(
            call_id, lambda call: [x["status"] for x in call["phoneCallView"]] == [3, 3, 0]
        )
        await wait_public_calls(lab, RINGS_FOR_EVER, 1)

        await phone.accept()

        on_call = await api.wait_status(call_id, 5)
        assert on_call["phoneCallView"][0]["source"] == ["210"]
        await phone.wait_tone(440)  # its own, from the echo
        await wait_public_calls(lab, RINGS_FOR_EVER, 0)
        assert invites(phone) == [1]


async def test_given_the_same_phone_twice_among_the_sources_when_created_then_it_rings_once(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as phone:
        call_id = await api.place(["210", "0003*210", 210], [ECHO], extension="210")
        await phone.wait_ringing()
        ringing = await api.wait_status(call_id, 3)
        assert [x["source"] for x in ringing["phoneCallView"]] == [["210"], ["210"]]

        await phone.accept()

        await api.wait_status(call_id, 5)
        assert invites(phone) == [1]
