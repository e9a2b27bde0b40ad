"""One answer writes the numbers of an organization in one way."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.api_client import ApiClient
from tests.lab.running_lab import RunningLab
from tests.pbx.calls.live_calls import extensions, wait_only_call, wait_statuses
from tests.softphones.sipp_behaviour import rings

pytestmark = pytest.mark.asyncio(loop_scope="session")


def written(call: Any) -> set[str]:
    """Every number of an extension in the answer."""
    found = {call["extension"], *extensions(call)}
    for view in call["phoneCallView"]:
        found |= {*view["source"], *view["destination"]}
    return {x for x in found if x is not None and not x.startswith("323")}


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


async def test_given_numbers_written_both_ways_when_listed_for_self_then_as_the_app_wrote_them(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210", answer="auto"), lab.scripted("0003*211", rings()):
        call_id = await api.place(["210"], ["0003*211"])
        call = await wait_statuses(api, call_id, 4, 3)
        assert extensions(call) == ["210", "0003*211"]
        [call] = await api.calls("0003*210")
        assert written(call) == {"0003*210", "0003*211"}
