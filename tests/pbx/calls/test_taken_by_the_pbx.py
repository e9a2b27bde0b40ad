"""What the PBX itself answers, after a phone has rung in vain, answers for nobody."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.local_asterisk.local_asterisk import CONFIGURATION
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.toolchain import ensure_phone_tools

from .live_calls import extensions, statuses, wait_no_calls, wait_only_call

pytestmark = pytest.mark.asyncio(loop_scope="session")

# As a mailbox: the phone rings for two seconds, then something of the PBX answers.
MAILBOX = """
[phones](+)
exten => *213,1,Dial(PJSIP/0003*213,2,i)
 same => n,Answer()
 same => n,Playtones(440)
 same => n,Wait(30)
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    ensure_phone_tools()
    folder = tmp_path_factory.mktemp("mailbox")
    configuration = folder / "configuration"
    shutil.copytree(CONFIGURATION, configuration)
    with (configuration / "pbx" / "extensions.conf").open("a") as dialplan:
        dialplan.write(MAILBOX)
    lab = await open_lab(folder, configuration=configuration)
    try:
        yield lab
    finally:
        await lab.close()


async def test_given_a_phone_that_rings_in_vain_when_a_mailbox_answers_then_nobody_has(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as caller, lab.phone("0003*213") as called:
        dialled = await caller.dial("*213")
        await called.wait_ringing()
        await caller.wait_established(call=dialled)
        live = await wait_only_call(api, "210", lambda x: statuses(x) == [5])
        assert (extensions(live), live["takenBy"]) == (["210"], "pbx")
        assert "answered" not in live
        await caller.hangup()
        await wait_no_calls(api)
        ended = await api.wait_ended(live["id"])
        told = {x: ended[x] for x in ("disposition", "endedBy", "reason", "hangupCause", "takenBy")}
        assert told == {
            "disposition": 3,
            "endedBy": "source",
            "reason": "taken by the PBX",
            "hangupCause": 19,
            "takenBy": "pbx",
        }
        assert [x["disposition"] for x in ended["phoneCallView"]] == [3, 3]
