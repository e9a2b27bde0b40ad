"""Who finds no place in the parking lot: Park says why, and the talk goes on."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bridge.local_asterisk.local_asterisk import CONFIGURATION
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from tests.pbx.calls.limited_lab import restart_with
from tests.pbx.calls.live_calls import wait_no_calls

from .acting import MUSIC_HZ, acted, hear_each_other, views

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALICE_HZ, BOB_HZ = 440, 620
PUBLIC = "3235550201"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def small_lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    """A parking lot with two places."""
    folder = tmp_path_factory.mktemp("small-parking-lot")
    configuration = folder / "asterisk-conf"
    shutil.copytree(CONFIGURATION, configuration)
    file = configuration / "pbx" / "res_parking.conf"
    text, count = re.subn("^parkpos = .*$", "parkpos = 7001-7002", file.read_text(), flags=re.M)
    assert count == 1
    file.write_text(text)
    async with await open_lab(folder / "lab", configuration=configuration) as lab:
        yield lab


async def park(api: ApiClient, call_id: str, view: str = "00", user: str = "@me") -> Answer:
    body = {"action": "Park", "phoneCallViewId": view}
    return await api.request("PUT", f"/uapi/phoneCalls/{user}/@self/{call_id}", body=body)


def place(answer: Answer) -> int:
    assert answer.status == 200, answer.text
    [[taken]] = [views(x, "parkedPos") for x in answer.json]
    return int(taken)


async def talk(api: ApiClient, source: str, destination: str, user: str = "@me") -> Any:
    call_id = await api.place([source], [destination], user=user, extension=source)

    async def talking() -> Any:
        listed = await api.request("GET", f"/uapi/phoneCalls/{user}/@self/{call_id}")
        [call] = listed.json["entry"]
        return call if views(call, "status") == [5, 5] else None

    return await eventually(talking, 10)


async def test_given_a_full_lot_when_parked_then_the_answer_says_so_and_the_talk_goes_on(
    small_lab: RunningLab,
) -> None:
    async with (
        small_lab.client() as api,
        small_lab.client("organization-0004") as other,
        small_lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        small_lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
        small_lab.phone("0003*212", answer="auto") as carol,
        small_lab.phone("0003*214", answer="auto") as dave,
        small_lab.phone("0004*210", answer="auto") as eve,
    ):
        first = await talk(api, "212", "214")
        taken = place(await park(api, first["id"], "01"))
        await dave.wait_closed()
        theirs = await talk(other, "210", PUBLIC, "21")
        assert {taken, place(await park(other, theirs["id"], user="21"))} == {7001, 7002}
        await eve.wait_closed()
        before = await talk(api, "210", "211")

        for view in ("00", "01"):
            refused = await park(api, before["id"], view)
            assert (refused.status, refused.code) == (409, "pc_action_failed")
            assert "is a place free?" in refused.message

        assert await api.call(before["id"]) == before
        await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)
        held = await acted(api, before["id"], "OnHold", phoneCallViewId="00")
        refused = await park(api, before["id"], "00")
        assert (refused.status, refused.code) == (409, "pc_action_failed")
        assert views(await api.call(before["id"]), "onHold") == views(held, "onHold")
        await bob.wait_tone(MUSIC_HZ)
        await eventually(lambda: bob.tone_heard(ALICE_HZ, last_s=1.0) < -30, 6)
        await acted(api, before["id"], "OffHold", phoneCallViewId="00")
        await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)
        await carol.hangup()
        await api.wait_ended(first["id"])
        assert place(await park(api, before["id"], "01")) == taken
        await alice.hangup()
        ended = await api.wait_ended(before["id"])
        assert (ended["endedBy"], ended["disposition"]) == ("source", 0)
        await wait_no_calls(api)
        await other.request("DELETE", f"/uapi/phoneCalls/21/@self/{theirs['id']}")


async def test_given_two_organizations_when_one_has_used_its_share_then_the_other_still_parks(
    small_lab: RunningLab,
) -> None:
    await restart_with(small_lab, {"parked_per_organization_max": "1"})
    async with (
        small_lab.client() as api,
        small_lab.client("organization-0004") as other,
        small_lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        small_lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
        small_lab.phone("0003*212", answer="auto"),
        small_lab.phone("0004*210", answer="auto"),
    ):
        parked = await talk(api, "212", PUBLIC)
        taken = place(await park(api, parked["id"]))
        before = await talk(api, "210", "211")

        for view in ("00", "01"):
            refused = await park(api, before["id"], view)
            assert (refused.status, refused.code) == (409, "pc_action_failed")
            assert "parked 1 parties, which is its limit" in refused.message
        assert await api.call(before["id"]) == before
        await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)

        theirs = await talk(other, "210", PUBLIC, "21")
        assert place(await park(other, theirs["id"], user="21")) != taken
        listed = await other.request("GET", "/uapi/phoneCalls/21/@self")
        assert [x["id"] for x in listed.json["entry"]] == [theirs["id"]]
        body = {"action": "UnPark", "sendCallTo": "0004*210"}
        path = f"/uapi/phoneCalls/21/@self/{parked['id']}"
        stolen = await other.request("PUT", path, body=body)
        assert (stolen.status, stolen.code) == (400, "pc_phonecall_invalid")
        [waits] = (await api.call(parked["id"]))["phoneCallView"]
        assert waits["parkedPos"] == taken

        await acted(api, parked["id"], "UnPark", extension="@self", sendCallTo="212")
        assert place(await park(api, before["id"])) in (7001, 7002)
        await api.leave_no_call()
        await other.request("DELETE", f"/uapi/phoneCalls/21/@self/{theirs['id']}")
