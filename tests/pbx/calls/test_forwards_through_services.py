"""A forward to a service, which dials on: rights hold behind it, and rounds end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.dialog_log import Dialog
from bridge.testing.softphones.softphone import Softphone
from bridge.testing.softphones.toolchain import ensure_phone_tools

from .public_network import calls_of_public_network, wait_public_calls
from .test_forwards_of_the_directory import directory

pytestmark = pytest.mark.asyncio(loop_scope="session")

NUMBER = "3235550200"
# 1 in the IVR is extension 210 of its organization.
FORWARDS = {
    "0003*210": f"{{always: '{NUMBER}'}}",
    "0003*211": "{always: 0003*400}",
    "0004*210": "{always: 0004*400}",
}
SECOND_IVR = """      - number: 0004*400
        type: IVR
        user: 21
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    ensure_phone_tools()
    folder = tmp_path_factory.mktemp("services")
    file = folder / "directory.yaml"
    entry = "      - number: 0004*210\n"
    file.write_text(directory(FORWARDS).replace(entry, SECOND_IVR + entry, 1))
    lab = await open_lab(folder, {"directory_file": str(file)})
    try:
        yield lab
    finally:
        await lab.close()


async def ivr_waits(lab: RunningLab) -> bool:
    return "!WaitExten!" in await lab.asterisk.pbx.console("core show channels concise")


async def choose_1(lab: RunningLab, phone: Softphone, number: str) -> Dialog:
    """In the IVR that this number leads to."""
    call = await phone.dial(number)
    await eventually(lambda: ivr_waits(lab), timeout=20)
    await phone.send_dtmf("1")
    return call


async def test_given_who_may_call_nobody_outside_when_forwarded_to_an_ivr_then_it_leads_to_nobody(
    lab: RunningLab,
) -> None:
    before = await calls_of_public_network(lab)
    async with lab.phone("0003*214") as lobby:
        call = await choose_1(lab, lobby, "211")
        await eventually(lambda: call.closed, timeout=20)
    assert await calls_of_public_network(lab) == before
    async with lab.phone("0003*212") as phone:
        await choose_1(lab, phone, "211")
        await wait_public_calls(lab, NUMBER, 1)
        await phone.hangup()
        await wait_public_calls(lab, NUMBER, 0)


async def test_given_a_forward_to_an_ivr_that_leads_back_when_chosen_then_the_call_ends(
    lab: RunningLab,
) -> None:
    async with lab.phone("0003*212") as phone:
        call = await choose_1(lab, phone, "0004*210")
        # A second IVR would end only after the 15 s in which it waits for a digit.
        await eventually(lambda: call.closed, timeout=10)
