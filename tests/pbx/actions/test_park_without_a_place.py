"""A parking lot whose places are all taken: Park says so, and the talk goes on."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.local_asterisk.local_asterisk import CONFIGURATION
from tests.lab.running_lab import RunningLab, open_lab
from tests.pbx.calls.live_calls import wait_no_calls

from .acting import act, hear_each_other, views

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALICE_HZ, BOB_HZ = 440, 620


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def small_lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    folder = tmp_path_factory.mktemp("small-parking-lot")
    configuration = folder / "asterisk-conf"
    shutil.copytree(CONFIGURATION, configuration)
    file = configuration / "pbx" / "res_parking.conf"
    text, count = re.subn("^parkpos = .*$", "parkpos = 7001-7001", file.read_text(), flags=re.M)
    assert count == 1
    file.write_text(text)
    async with await open_lab(folder / "lab", configuration=configuration) as lab:
        yield lab


async def test_given_a_full_lot_when_parked_then_the_answer_says_so_and_the_talk_goes_on(
    small_lab: RunningLab,
) -> None:
    async with (
        small_lab.client() as api,
        small_lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        small_lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
        small_lab.phone("0003*212", answer="auto") as carol,
        small_lab.phone("0003*214", answer="auto") as dave,
    ):
        first = await api.place(["212"], ["214"], extension="212")
        await api.wait_call(first, lambda x: views(x, "status") == [5, 5])
        answer = await act(api, first, "Park", extension="@self", phoneCallViewId="01")
        assert [x["parkedPos"] for x in answer.json[0]["phoneCallView"]] == [7001]
        await dave.wait_closed()
        call_id = await api.place(["210"], ["211"])
        before = await api.wait_call(call_id, lambda x: views(x, "status") == [5, 5])

        for view in ("00", "01"):
            refused = await act(api, call_id, "Park", extension="@self", phoneCallViewId=view)
            assert (refused.status, refused.code) == (409, "pc_action_failed")
            assert "is a place free?" in refused.message

        assert await api.call(call_id) == before
        await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)
        await carol.hangup()
        await api.wait_ended(first)
        free = await act(api, call_id, "Park", extension="@self", phoneCallViewId="01")
        assert [x["parkedPos"] for x in free.json[0]["phoneCallView"]] == [7001]
        await alice.hangup()
        ended = await api.wait_ended(call_id)
        assert (ended["endedBy"], ended["disposition"]) == ("source", 0)
        await wait_no_calls(api)
