"""callDuration ends the talk after that many seconds, within one."""

from __future__ import annotations

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.pbx.calls.live_calls import assert_lasted

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("sources", [["210"], ["210", "212"]], ids=len)
async def test_given_call_duration_when_it_has_passed_since_the_answer_then_both_are_hung_up(
    lab: RunningLab, api: ApiClient, sources: list[str]
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as source,
        lab.phone("0003*211") as destination,
        lab.phone("0003*212") as other,
    ):
        call_id = await api.place(sources, ["211"], extension="210", callDuration="3")
        await destination.wait_ringing()
        # The source waits for longer than the talk may last: that is no talk.
        await source.wait_tone(440, 1, at_least_db=-200)
        await destination.accept()
        await api.wait_status(call_id, 5)

        for phone in (source, destination):
            assert (await phone.wait_closed()).close_reason == "BYE received"

        record = await api.wait_ended(call_id)
        assert_lasted(record["endedMs"] - record["answeredMs"], 3_000)
        assert (record["disposition"], record["endedBy"]) == (0, "duration limit")
        assert (source.incoming_invites, destination.incoming_invites) == (1, 1)
        assert other.incoming_invites == len(sources) - 1


async def test_given_call_duration_when_the_destination_is_public_then_it_ends_in_time(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210", answer="auto") as source:
        call_id = await api.place(["210"], ["3235550201"], extension="210", callDuration="2")

        record = await api.wait_ended(call_id)

        assert_lasted(record["endedMs"] - record["answeredMs"], 2_000)
        assert (record["disposition"], record["endedBy"]) == (0, "duration limit")
        await source.wait_closed()
        assert source.incoming_invites == 1


async def test_given_a_phone_hangs_up_before_call_duration_then_the_phone_has_ended_the_call(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as source,
        lab.phone("0003*211", answer="auto"),
    ):
        call_id = await api.place(["210"], ["211"], extension="210", callDuration="60")
        await api.wait_status(call_id, 5)

        await source.hangup()

        record = await api.wait_ended(call_id)
        assert (record["disposition"], record["endedBy"]) == (0, "source")
