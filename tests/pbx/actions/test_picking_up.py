"""PickUp: the phone of `sendCallTo` answers a ringing call; one PhoneCall remains."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.pbx.actions.listening import ALICE_HZ, BOB_HZ, BOSS_HZ, act, acted, hear

pytestmark = pytest.mark.asyncio(loop_scope="session")


def extensions(call: Any) -> list[str]:
    """Of its views, short, as a list of @self may have them in either form."""
    return [x["extension"].rpartition("*")[2] for x in call["phoneCallView"]]


async def _is_picked_up(api: ApiClient, call_id: str, answer: Any) -> str:
    """Checks the one call and its record; returns the id of the call that joined."""
    assert answer["id"] == call_id
    live = await api.wait_call(call_id, lambda x: extensions(x) == ["210", "212"])
    assert [x["status"] for x in live["phoneCallView"]] == [5, 5]
    assert len(await api.calls("@self")) == 1
    [record] = [
        x
        for x in await api.calls("212", ended="true", sortOrder="descending", count="1")
        if x["id"] != call_id
    ]
    assert record["reason"] == f"joined call {call_id}"
    assert record["actsOn"]["phoneCallId"] == call_id
    return str(record["id"])


@pytest.mark.parametrize("view", ["00", "01", None])
async def test_given_a_ringing_call_of_the_api_when_picked_up_then_one_call_remains(
    lab: RunningLab, api: ApiClient, view: str | None
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", tone_hz=BOB_HZ) as bob,
        lab.phone("0003*212", answer="auto", tone_hz=BOSS_HZ) as boss,
    ):
        call_id = await api.place(["210"], ["211"])
        await bob.wait_ringing()
        await api.wait_status(call_id, 4)

        answer = await acted(api, call_id, "PickUp", phoneCallViewId=view)

        await bob.wait_closed()
        await hear({alice: (BOSS_HZ,), boss: (ALICE_HZ,)})
        joined = await _is_picked_up(api, call_id, answer)
        ended = await api.hang_up("212", joined)
        assert ended.json == [{"id": call_id}]
        await alice.wait_closed()
        await boss.wait_closed()
        record = await api.wait_ended(call_id)
        assert (record["disposition"], record["endedBy"]) == (0, "api")


async def test_given_a_call_that_a_phone_dialled_when_picked_up_then_that_call_goes_on(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", tone_hz=BOB_HZ) as bob,
        lab.phone("0003*212", answer="auto", tone_hz=BOSS_HZ) as boss,
    ):
        await alice.dial("211")
        await bob.wait_ringing()
        [call] = await api.calls("210")
        await api.wait_status(call["id"], 4)

        answer = await acted(api, call["id"], "PickUp", phoneCallViewId="01")

        await bob.wait_closed()
        await hear({alice: (BOSS_HZ,), boss: (ALICE_HZ,)})
        await _is_picked_up(api, call["id"], answer)
        await boss.hangup()
        await alice.wait_closed()
        record = await api.wait_ended(call["id"])
        assert (record["disposition"], record["endedBy"]) == (0, "destination")


async def test_given_a_ringing_source_when_picked_up_then_the_destination_is_dialled_for_the_phone(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210") as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
        lab.phone("0003*212", answer="auto", tone_hz=BOSS_HZ) as boss,
    ):
        call_id = await api.place(["210"], ["211"])
        await alice.wait_ringing()
        await api.wait_status(call_id, 3)

        answer = await acted(api, call_id, "PickUp")

        assert answer["id"] == call_id
        await alice.wait_closed()
        await hear({bob: (BOSS_HZ,), boss: (BOB_HZ,)})
        live = await api.wait_call(call_id, lambda x: extensions(x) == ["212", "211"])
        assert [x["status"] for x in live["phoneCallView"]] == [5, 5]
        await boss.hangup()
        await bob.wait_closed()
        record = await api.wait_ended(call_id)
        assert (record["disposition"], record["endedBy"]) == (0, "source")


async def test_given_a_call_that_is_answered_while_the_phone_rings_then_the_action_says_so(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", tone_hz=BOB_HZ) as bob,
        lab.phone("0003*212", tone_hz=BOSS_HZ) as boss,
    ):
        call_id = await api.place(["210"], ["211"])
        await bob.wait_ringing()
        await api.wait_status(call_id, 4)
        asked = asyncio.create_task(act(api, call_id, "PickUp"))
        await boss.wait_ringing()

        await bob.accept()

        answer = await asked
        assert (answer.status, answer.code) == (409, "pc_action_failed")
        assert "does not ring any more" in answer.message
        await boss.wait_closed()
        await hear({alice: (BOB_HZ,), bob: (ALICE_HZ,)})
        [record] = await api.calls("212", ended="true", sortOrder="descending", count="1")
        assert (record["disposition"], record["endedBy"]) == (3, "other call")


@pytest.mark.parametrize("restarts", [True, False])
async def test_given_a_call_that_is_answered_first_when_the_phone_answers_then_it_has_nobody(
    lab: RunningLab, api: ApiClient, restarts: bool
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ),
        lab.phone("0003*211", tone_hz=BOB_HZ) as bob,
        lab.phone("0003*212", tone_hz=BOSS_HZ) as boss,
    ):
        call_id = await api.place(["210"], ["211"])
        await bob.wait_ringing()
        await api.wait_status(call_id, 4)
        asked = asyncio.create_task(act(api, call_id, "PickUp"))
        await boss.wait_ringing()
        if restarts:
            await lab.bridge.kill()
        await asyncio.gather(bob.accept(), boss.accept())
        if restarts:
            with pytest.raises(Exception):  # noqa: B017, PT011 - the connection is gone
                await asked
            await lab.bridge.start()
        live = await api.wait_call(call_id, lambda x: len(extensions(x)) == 2)
        winner, loser = (boss, bob) if "212" in extensions(live) else (bob, boss)
        await loser.wait_closed()
        assert winner.current is not None
        if not restarts:
            assert (await asked).status == (200 if winner is boss else 409)


async def test_given_a_call_that_talks_when_picked_up_then_nobody_is_rung(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as _,
        lab.phone("0003*211", answer="auto") as bob,
        lab.phone("0003*212") as boss,
    ):
        call_id = await api.place(["210"], ["211"])
        await bob.wait_established()
        await api.wait_status(call_id, 5)
        answer = await act(api, call_id, "PickUp")
        assert (answer.status, answer.code) == (409, "pc_action_failed")
        assert "no phone rings" in answer.message
        assert boss.log.dialogs == []


async def test_given_a_service_that_restarts_while_the_phone_rings_then_it_picks_up_all_the_same(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", tone_hz=BOB_HZ) as bob,
        lab.phone("0003*212", tone_hz=BOSS_HZ) as boss,
    ):
        call_id = await api.place(["210"], ["211"])
        await bob.wait_ringing()
        await api.wait_status(call_id, 4)
        asked = asyncio.create_task(act(api, call_id, "PickUp"))
        await boss.wait_ringing()
        await lab.bridge.kill()
        with pytest.raises(Exception):  # noqa: B017, PT011 - the connection is gone
            await asked
        await boss.accept()
        await hear({alice: (BOSS_HZ,), boss: (ALICE_HZ,)})
        await lab.bridge.start()
        await api.wait_call(call_id, lambda x: extensions(x) == ["210", "212"])
        assert len(await api.calls("@self")) == 1
        ended = await api.hang_up("210", call_id)
        assert ended.json == [{"id": call_id}]
        await boss.wait_closed()
        await alice.wait_closed()
