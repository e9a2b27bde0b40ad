"""A call between two phones that is being recorded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.softphone import Softphone
from bridge.testing.verba_client import VerbaClient

from .recorded_files import RecordedFiles


@dataclass(frozen=True)
class RecordedCall:
    """`id` is the conversation's, `alice` is 0003*210 (440 Hz), `bob` 0003*211 (1000 Hz)."""

    call_id: str
    id: str
    alice: Softphone
    bob: Softphone


@asynccontextmanager
async def recorded_call(
    lab: RunningLab, api: ApiClient, verba: VerbaClient
) -> AsyncIterator[RecordedCall]:
    """It is ongoing and its record is there; ended at the end of the block if it still lives."""
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=440) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=1000) as bob,
    ):
        call_id = await api.place(["210"], ["211"], extension="210", recording="true")
        await api.wait_status(call_id, 5)
        record = await verba.conversation(call_id, ongoing=True)
        yield RecordedCall(call_id, record.findtext("ccdr_id", ""), alice, bob)
        await api.hang_up("210", call_id)
        await api.wait_ended(call_id)


async def finished_call(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles
) -> RecordedCall:
    """A short one, ended and measured."""
    async with recorded_call(lab, api, verba) as call:
        await files.wait_growing(call.id, 4_000)
    await verba.conversation(call.call_id, ongoing=False)
    return call


async def call_goes_on(api: ApiClient, call: RecordedCall, for_s: float = 0.0) -> None:
    """Both sides still hear each other, and the call is what it was."""
    await asyncio.sleep(for_s)  # how long it goes on
    await call.alice.wait_tone(1000)
    await call.bob.wait_tone(440)
    live = await api.call(call.call_id)
    assert live is not None
    assert live["phoneCallView"][0]["status"] == 5
