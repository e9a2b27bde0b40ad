"""GET with ended=true: how a call ended, and when, to the millisecond."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import answers, refuses, rings
from tests.pbx.calls.live_calls import (
    assert_lasted,
    statuses,
    wait_only_call,
    wait_statuses,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANSWERED, BUSY, NO_ANSWER = 0, 1, 3
# Between what a phone has logged and what Asterisk has told, on a busy machine.
CLOCK_SLACK_MS = 1500


def verdict(record: Any) -> tuple[int, str, str, int | None]:
    return (
        record["disposition"],
        record["endedBy"],
        record["reason"],
        record.get("hangupCause"),
    )


async def test_given_talk_when_source_hangs_up_then_record_says_so_and_moments_are_those_of_phones(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as alice, lab.phone("0003*211") as bob:
        began_ms = time.time() * 1000
        call_id = await api.place(["210"], ["211"])
        await alice.wait_ringing()
        await alice.accept()
        await bob.wait_ringing()
        await bob.accept()
        await wait_statuses(api, call_id, 5, 5)
        await alice.hangup()
        await alice.wait_closed()
        record = await api.wait_ended(call_id)

        assert verdict(record) == (ANSWERED, "source", "normal clearing", 16)
        moments = [record[f"{x}Ms"] for x in ("published", "ringing", "answered", "ended")]
        assert moments == sorted(moments)
        seen = {(x.name, phone.user): x.wall_ms for phone in (alice, bob) for x in phone.events}
        for moment, phone_ms in zip(
            moments,
            (
                began_ms,
                seen["ringing", "0003*210"],
                seen["established", "0003*211"],
                seen["closed", "0003*210"],
            ),
            strict=True,
        ):
            assert abs(moment - phone_ms) < CLOCK_SLACK_MS
        assert [x["disposition"] for x in record["phoneCallView"]] == [ANSWERED, ANSWERED]
        assert "endedNotBefore" not in record
        assert record["ended"].endswith("Z")


async def test_given_several_parties_when_call_is_over_then_each_view_has_its_own_disposition(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210") as alice,
        lab.scripted("0003*211", refuses(486, "Busy Here")) as bob,
        lab.phone("0003*212") as carol,
        lab.scripted("0003*213", rings()) as dave,
    ):
        call_id = await api.place(["210", "213"], ["211", "212"], extension="210")
        await alice.wait_ringing()
        await dave.wait_ringing()
        await alice.accept()
        await carol.wait_ringing()
        await bob.wait_closed()
        await carol.accept()
        await wait_statuses(api, call_id, 5, 5)
        await carol.hangup()
        record = await api.wait_ended(call_id)
        assert record["disposition"] == ANSWERED
        assert [x["disposition"] for x in record["phoneCallView"]] == [
            ANSWERED,
            NO_ANSWER,
            BUSY,
            ANSWERED,
        ]


async def test_given_a_source_declines_when_the_other_rings_out_then_nobody_answered(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.scripted("0003*210", refuses(603, "Decline")),
        lab.scripted("0003*211", rings()),
    ):
        call_id = await api.place(["210", "211"], ["3235550201"], waitForPickup="1")
        record = await api.wait_ended(call_id)
        assert verdict(record)[:3] == (NO_ANSWER, "pickup timeout", "no answer")
        views = record["phoneCallView"]
        # the public number was never dialled
        assert [x.get("disposition") for x in views] == [BUSY, NO_ANSWER, None]


async def test_given_a_queue_when_an_agent_answers_then_nothing_rang_after_the_answer(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*211", answer="auto") as bob:
        call_id = await api.place(["3235550202"], ["300"], extension="210")
        await bob.wait_established()
        await bob.hangup()
        record = await api.wait_ended(call_id)
        assert record["disposition"] == ANSWERED
        assert record.get("ringingMs", 0) <= record["answeredMs"]


async def test_given_talk_when_destination_hangs_up_then_record_says_so(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210", answer="auto"), lab.phone("0003*211", answer="auto") as bob:
        call_id = await api.place(["210"], ["211"])
        await wait_statuses(api, call_id, 5, 5)
        await bob.wait_established()
        await bob.hangup()
        record = await api.wait_ended(call_id)
        assert verdict(record) == (ANSWERED, "destination", "normal clearing", 16)


async def test_given_talk_when_its_duration_is_over_then_record_says_duration_limit(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210", answer="auto") as alice:
        call_id = await api.place(["210"], ["3235550201"], callDuration="2")
        await wait_statuses(api, call_id, 5, 5)
        await alice.wait_closed()
        record = await api.wait_ended(call_id)
        assert (record["disposition"], record["endedBy"]) == (ANSWERED, "duration limit")
        assert_lasted(record["endedMs"] - record["answeredMs"], 2_000)


async def test_given_nobody_picks_up_when_time_is_over_then_record_says_pickup_timeout(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.scripted("0003*210", rings()) as alice, lab.scripted("0003*211", rings()) as bob:
        call_id = await api.place(["210"], ["3235550201"], waitForPickup="1")
        record = await api.wait_ended(call_id)
        assert verdict(record) == (NO_ANSWER, "pickup timeout", "no answer", 19)
        assert "answeredMs" not in record
        await alice.wait_closed()
        forked = await api.place(["210", "211"], ["3235550201"], waitForPickup="1")
        record = await api.wait_ended(forked)
        assert verdict(record)[:3] == (NO_ANSWER, "pickup timeout", "no answer")
        await bob.wait_closed()


async def test_given_destination_rings_when_source_gives_up_then_record_says_cancelled(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as alice,
        lab.scripted("0003*211", rings()) as bob,
    ):
        call_id = await api.place(["210"], ["211"])
        await wait_statuses(api, call_id, 4, 3)
        await alice.hangup()
        record = await api.wait_ended(call_id)
        assert verdict(record)[:3] == (NO_ANSWER, "source", "cancelled")
        assert "answered" not in record
        await bob.wait_closed()


async def test_given_phone_dials_when_it_gives_up_while_other_rings_then_record_says_cancelled(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as alice, lab.scripted("0003*211", rings()) as bob:
        await alice.dial("211")
        await bob.wait_ringing()
        live = await wait_only_call(api, "211", lambda x: statuses(x) == [4, 3])
        await alice.hangup()
        record = await api.wait_ended(live["id"])
        assert verdict(record)[:3] == (NO_ANSWER, "source", "cancelled")
        await bob.wait_closed()


@pytest.mark.parametrize(
    ("status", "disposition", "reason", "cause"),
    [(486, BUSY, "busy", 17), (603, BUSY, "rejected", 21)],
)
async def test_given_phone_that_refuses_when_called_then_record_has_cause_and_sip_code(
    lab: RunningLab, api: ApiClient, status: int, disposition: int, reason: str, cause: int
) -> None:
    async with lab.scripted("0003*211", refuses(status)):
        call_id = await api.place(["3235550202"], ["211"], extension="210")
        record = await api.wait_ended(call_id)
        assert verdict(record) == (disposition, "destination", reason, cause)
        assert record["sipCode"] == status
        as_source = await api.place(["211"], ["3235550202"])
        record = await api.wait_ended(as_source)
        assert (record["disposition"], record["endedBy"]) == (BUSY, "source")


async def test_given_call_that_has_left_the_live_ones_when_asked_for_its_end_then_it_is_there(
    api: ApiClient,
) -> None:
    for _ in range(5):
        call_id = await api.place(["3235550180"], ["3235550201"], extension="210")
        await api.wait_call(call_id, lambda call: "ringing" in call["phoneCallView"][0])
        await api.hang_up("210", call_id)
        while await api.calls("210", call_id):
            pass
        [record] = await api.calls("210", call_id, ended="true")
        assert record["reason"] == "cancelled"


async def test_given_call_deleted_while_it_rings_when_read_then_record_says_api_and_cancelled(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.scripted("0003*210", rings()) as alice:
        call_id = await api.place(["210"], ["3235550201"], body={"nonce": "n-9"})
        await alice.wait_ringing()
        await api.hang_up("210", call_id)
        record = await api.wait_ended(call_id)
        assert verdict(record)[:3] == (NO_ANSWER, "api", "cancelled")
        assert record["nonce"] == "n-9"


async def test_given_ended_calls_when_listed_for_an_extension_then_live_ones_are_not_among_them(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.scripted("0003*214", answers()):
        past = await api.place(["214"], ["0003*00"])
        await wait_statuses(api, past, 5, 5)
        await api.hang_up("214", past)
        await api.wait_ended(past)
        live = await api.place(["214"], ["0003*00"])
        await wait_statuses(api, live, 5, 5)
        ended = await api.calls("214", ended="true", sortOrder="descending", count="1")
        assert [x["id"] for x in ended] == [past]
        assert [x["id"] for x in await api.calls("214")] == [live]
        assert await api.calls("214", live, ended="true") == []
        assert await api.calls("211", past, ended="true") == []
