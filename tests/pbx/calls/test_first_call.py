"""The main job, end to end: two phones ring, answer, hear each other, and a DELETE ends it."""

from __future__ import annotations

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_given_two_phones_when_call_is_created_then_both_ring_talk_and_are_hung_up(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", tone_hz=440) as alice,
        lab.phone("0003*211", tone_hz=1000) as bob,
    ):
        answer = await api.create(["210"], ["211"], extension="210")
        assert answer.status == 202
        call_id = answer.json[0]["id"]
        await alice.wait_ringing()
        await api.wait_status(call_id, 3)
        await alice.accept()
        await bob.wait_ringing()
        await api.wait_status(call_id, 4)
        await bob.accept()
        on_call = await api.wait_status(call_id, 5)
        assert [x["extension"] for x in on_call["phoneCallView"]] == ["210", "211"]
        await alice.wait_tone(1000)
        await bob.wait_tone(440)

        ended = await api.hang_up("210", call_id)

        assert (ended.status, ended.json) == (200, [{"id": call_id}])
        await alice.wait_closed()
        await bob.wait_closed()
        record = await api.wait_ended(call_id)
        assert record["disposition"] == 0
        assert record["endedBy"] == "api"
        # What an operator is asked about, also while the call lasts.
        of_call = [x for x in lab.bridge.log_lines() if x.get("call_id") == call_id]
        assert [x["event"] for x in of_call] == ["call_accepted", "call_answered", "call_ended"]
        for begun in of_call[:2]:
            assert (begun["source"], begun["destination"]) == ("0003*210", "0003*211")
        # What is asked about later.
        [line] = [
            x
            for x in lab.bridge.log_lines()
            if x["event"] == "call_ended" and x["call_id"] == call_id
        ]
        assert (line["extension"], line["app"]) == ("0003*210", "user-12")
        assert (line["source"], line["destination"]) == ("0003*210", "0003*211")
        assert line["talk_s"] is not None
