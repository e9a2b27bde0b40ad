"""Actions on one call, one after the other: also in containers (docs/actions.md has them all)."""

from __future__ import annotations

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.pbx.actions.acting import MUSIC_HZ, act, acted, hear_each_other, views
from tests.pbx.calls.live_calls import extensions, wait_no_calls, wait_statuses

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALICE_HZ, BOB_HZ, CAROL_HZ = 440, 620, 880


async def test_given_a_call_when_each_action_is_put_then_the_phones_hear_it_and_one_record_is_left(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
        lab.phone("0003*212", answer="auto", tone_hz=CAROL_HZ) as carol,
    ):
        call_id = await api.place(["210"], ["211"])
        talk = await wait_statuses(api, call_id, 5, 5)

        held = await acted(api, call_id, "OnHold", phoneCallViewId="00")
        assert views(held, "holder") == [1, 0]
        await bob.wait_tone(MUSIC_HZ)
        free = await acted(api, call_id, "OffHold", phoneCallViewId="00")
        assert views(free, "holder") == [None, None]
        await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)

        await acted(api, call_id, "SendDTMF", phoneCallViewId="01", digits="12#")

        started = await acted(api, call_id, "StartRecording", phoneCallViewId="00", format="wav")
        assert all(views(started, "recording"))
        assert started["recordingId"]
        stopped = await acted(api, call_id, "StopRecording", phoneCallViewId="00")
        assert views(stopped, "recording") == [None, None]

        parties = {"transferFromNumber": "0003*211", "sendCallTo": "0003*212"}
        moved = await acted(api, call_id, "Transfer", **parties)
        assert moved["answered"] == talk["answered"]
        await bob.wait_closed()
        now = await api.wait_call(call_id, lambda x: len(x["phoneCallView"]) == 2)
        assert [str(x)[-3:] for x in extensions(now)] == ["210", "212"]
        await hear_each_other(alice, ALICE_HZ, carol, CAROL_HZ)

        [view] = [x["id"] for x in now["phoneCallView"] if x["extension"].endswith("212")]
        answer = await act(api, call_id, "Park", phoneCallViewId=view, maxInParking=60)
        assert answer.status == 200, answer.text
        [waits] = answer.json[0]["phoneCallView"]
        assert waits["parkedBy"].endswith("212")
        await carol.wait_closed()
        await alice.wait_tone(MUSIC_HZ)
        fetched = await acted(api, call_id, "UnPark", sendCallTo="211")
        assert fetched["id"] == call_id
        await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)

        assert (await api.hang_up("210", call_id)).json == [{"id": call_id}]

        await alice.wait_closed()
        await bob.wait_closed()
        await wait_no_calls(api)
        record = await api.wait_ended(call_id)
        assert (record["disposition"], record["endedBy"]) == (0, "api")
        assert record["answered"] == talk["answered"]
        ends = [
            x
            for x in lab.bridge.log_lines()
            if x["event"] == "call_ended" and x["call_id"] == call_id
        ]
        assert len(ends) == 1
