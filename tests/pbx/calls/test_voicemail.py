"""The mailbox of a phone: Asterisk has the modules and sounds of it, in the containers as well.

More of it is in tests/pbx/voicemail.
"""

from __future__ import annotations

import pytest

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab

from .live_calls import wait_no_calls

pytestmark = pytest.mark.asyncio(loop_scope="session")

SPEECH = 3000  # of 32768


async def test_given_an_empty_mailbox_when_its_phone_listens_then_it_is_told_so(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*212") as phone:
        call = await phone.dial("*97")
        await phone.wait_established(call=call)

        def speaks() -> bool:
            audio = phone.heard()
            return audio is not None and max(audio.samples, default=0) > SPEECH

        await eventually(speaks, timeout=10)
        await phone.wait_closed(call=call, timeout_s=30)  # it says goodbye
    await wait_no_calls(api)


async def test_given_a_party_that_is_transferred_to_the_mailbox_then_it_hears_none_of_it(
    lab: RunningLab,
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as caller,
        lab.phone("0003*212", answer="auto") as owner,
    ):
        call = await caller.dial("212")
        await caller.wait_established(call=call)
        await owner.transfer("*97")
        await caller.wait_closed(call=call)
