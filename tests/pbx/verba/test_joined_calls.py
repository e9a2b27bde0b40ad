"""Two calls that become one while they are recorded: each file holds its own call, and no more."""

from __future__ import annotations

import asyncio

import pytest

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.verba_client import VerbaClient
from tests.pbx.calls.live_calls import extensions, wait_only_call

from .recorded_files import RecordedFiles

# Asterisk writes a file in steps of 32 KiB.
_WRITTEN_AFTER_S = 2.5

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("dials", ["transferer", "other"])
async def test_given_a_recorded_call_when_it_joins_another_then_its_file_ends_there(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles, dials: str
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=440) as alice,
        lab.phone("0003*214", answer="auto", tone_hz=700) as lobby,  # it is always recorded
        lab.phone("0003*211", answer="auto", tone_hz=1000) as bob,
    ):
        first_id = await api.place(["210"], ["214"])
        await api.wait_status(first_id, 5)
        first = await lobby.wait_established(call=await lobby.wait_ringing())
        await verba.conversation(first_id, ongoing=True)
        await lobby.hold(call=first)
        if dials == "transferer":
            second = await lobby.dial("211")
        else:
            await bob.dial("214")
            second = await lobby.wait_ringing()
        await lobby.wait_established(call=second)
        conversations = [
            (await verba.conversation(x, ongoing=True)).findtext("ccdr_id", "")
            for x in (first_id, await _linkedid_of_other(verba, first_id))
        ]
        await files.wait_growing(conversations[1], 16_000)

        transfer = await lobby.attended_transfer(first, second)

        assert transfer.carried_out
        await wait_only_call(api, "@self", lambda x: len(extensions(x)) == 2)
        await alice.wait_tone(1000)
        await bob.wait_tone(440)

        # Neither of the two who are left is to be recorded.
        def sizes() -> list[int]:
            return [x.stat().st_size for one in conversations for x in files.of(one)]

        async with asyncio.timeout(30):  # it takes a moment until both are told to stop
            before: list[int] = []
            while (now := sizes()) != before:
                before = now
                await asyncio.sleep(_WRITTEN_AFTER_S)  # in which a file would have grown
        await api.hang_up("@self", first_id)
    for one in conversations:
        assert (await verba.ask("DeleteCall", callID=one)).code == 0
        await verba.wait_gone(one)
        assert files.of(one) == []


async def _linkedid_of_other(verba: VerbaClient, first_id: str) -> str:
    """Of the ongoing conversation that is not the first."""

    async def others() -> set[str]:
        answer = await verba.ask("SearchCalls", start="2000-01-01 00:00", status="ongoing")
        return {x.findtext("platform_call_id", "") for x in answer.calls} - {first_id}

    return (await eventually(others, timeout=10)).pop()
