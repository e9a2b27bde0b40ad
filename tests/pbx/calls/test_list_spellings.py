"""One answer writes the numbers of an organization in one way."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import rings
from tests.pbx.calls.live_calls import extensions, wait_only_call, wait_statuses

pytestmark = pytest.mark.asyncio(loop_scope="session")


def written(call: Any) -> set[str]:
    """Every number of an extension in the answer: no public number, no parking place."""
    found = {call["extension"], *extensions(call)}
    for view in call["phoneCallView"]:
        found |= {*view["source"], *view["destination"]}
    return {x for x in found if x is not None and not x.startswith(("323", "70"))}


async def test_given_a_queue_called_by_short_number_when_an_agent_rings_then_it_is_short_as_well(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.scripted("0003*211", rings()) as agent:
        call_id = await api.place(["3235550202"], ["300"], extension="210")
        await agent.wait_ringing()
        call = await api.wait_call(call_id, lambda x: len(extensions(x)) == 3)
        assert written(call) == {"210", "300", "211"}
        for asked, numbers in (
            ("300", {"210", "300", "211"}),
            ("0003*300", {"0003*210", "0003*300", "0003*211"}),
        ):
            [call] = await api.calls(asked)
            assert written(call) == numbers


async def test_given_a_phone_that_dials_short_when_asked_for_then_as_asked_or_extended(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as alice, lab.scripted("0003*211", rings()) as bob:
        await alice.dial("300")
        await bob.wait_ringing()
        call = await wait_only_call(api, "@self", lambda x: len(extensions(x)) == 2)
        assert written(call) == {"0003*210", "0003*300", "0003*211"}
        [call] = await api.calls("210")
        assert written(call) == {"210", "300", "211"}


async def test_given_numbers_written_both_ways_when_listed_for_self_then_they_are_extended(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210", answer="auto"), lab.scripted("0003*211", rings()):
        call_id = await api.place(["210"], ["0003*211"])
        call = await wait_statuses(api, call_id, 4, 3)
        assert extensions(call) == ["0003*210", "0003*211"]
        [call] = await api.calls("210")
        assert written(call) == {"210", "211"}


@pytest.mark.parametrize("spelled", ["short", "extended"])
async def test_given_actions_that_name_another_phone_then_each_answer_has_one_form(
    lab: RunningLab, api: ApiClient, spelled: str
) -> None:
    """As the extension in the URI, whatever the body writes; @self as the call was created."""
    own, other = ("210", "0003*212") if spelled == "short" else ("0003*210", "212")
    prefix = own.removesuffix("210")
    all_auto = [lab.phone(f"0003*{x}", answer="auto") for x in ("210", "211", "212")]
    async with all_auto[0], all_auto[1], all_auto[2]:
        call_id = await api.place([own], [f"{prefix}211"], extension=own)
        await wait_statuses(api, call_id, 5, 5)
        path = f"/uapi/phoneCalls/@me/{prefix}211/{call_id}"
        body = {"action": "Transfer", "transferFromNumber": "210", "sendCallTo": other}
        moved = await api.request("PUT", path, body=body)
        assert moved.status == 200, moved.text
        assert written(moved.json) == {f"{prefix}{x}" for x in ("210", "211", "212")}
        parked = await api.request("PUT", path, body={"action": "Park"})
        assert parked.status == 200, parked.text
        [view] = parked.json[0]["phoneCallView"]
        assert (view["extension"], view["parkedBy"]) == (f"{prefix}212", f"{prefix}211")
        [for_self] = await api.calls("@self")
        assert {"*" in x for x in written(for_self)} == {True}, "one number was written so"
        await api.leave_no_call()
