"""Whatever number a caller from the public network shows, nobody takes it for an extension's."""

from __future__ import annotations

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab

from .live_calls import extensions, statuses, wait_no_calls, wait_only_call
from .public_network import wait_public_calls

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLED = "5550003210"


@pytest.mark.parametrize(
    ("shown", "source"),
    [
        ("0003*212", "0003212"),
        ("+3235550111", "+3235550111"),
        ("*", ""),
        ("", ""),
    ],
)
async def test_given_a_number_that_the_trunk_shows_when_it_calls_then_no_extension_is_its_source(
    lab: RunningLab, api: ApiClient, shown: str, source: str
) -> None:
    network = lab.asterisk.public_network
    assert network is not None
    async with lab.phone("0003*210") as phone:
        await network.console(
            f"channel originate Local/{CALLED}-{shown}@into-pbx/n extension silent@caller"
        )
        call = await wait_only_call(api, "210", lambda x: statuses(x) == [4, 3])
        ringing = await phone.wait_ringing()
        assert ringing.caller_number == (source or "anonymous")
        assert extensions(call)[0] is None
        assert [x["source"] for x in call["phoneCallView"]] == [[source]] * 2
        await phone.accept()
        call = await wait_only_call(api, "210", lambda x: statuses(x) == [5, 5])
        assert [x["source"] for x in call["phoneCallView"]] == [[source]] * 2
        await lab.asterisk.hang_up_public_network()
        await wait_public_calls(lab, CALLED, 0)
        await wait_no_calls(api)
