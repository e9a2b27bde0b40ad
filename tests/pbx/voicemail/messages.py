"""Messages that callers leave in the mailboxes of a lab."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bridge.local_asterisk.local_asterisk import LocalAsterisk
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.lamp_phone import LampPhone
from tests.pbx.calls.live_calls import wait_only_call

from .conftest import lamp_phone

TONE_HZ = 700


def folder_of(lab: RunningLab) -> Path:
    assert isinstance(lab.asterisk, LocalAsterisk)
    return lab.asterisk.pbx.spool_dir / "recording"


def files(lab: RunningLab) -> list[Path]:
    return sorted(folder_of(lab).glob("voicemail-*"))


async def messages(lab: RunningLab, state: str, mailbox: str) -> int:
    assert isinstance(lab.asterisk, LocalAsterisk)
    said = await lab.asterisk.pbx.console(f"database show uapi-voicemail/{state}/{mailbox}")
    return said.count(f"/{state}/{mailbox}/")


@asynccontextmanager
async def lamp(lab: RunningLab, user: str) -> AsyncIterator[LampPhone]:
    """Its phone refuses every call."""
    phone = await lamp_phone(lab, user)
    phone.refuses_with = 486
    try:
        yield phone
    finally:
        await phone.stop()


async def leave_message(
    lab: RunningLab,
    api: ApiClient,
    number: str,
    *,
    seconds: float = 2.5,
    tone_hz: int = TONE_HZ,
    hangs_up: bool = True,
) -> str:
    """A call of an app that ends in the mailbox; returns its id.

    Without `hangs_up` the caller talks until the mailbox ends the call.
    """
    before = files(lab)
    async with lab.phone("0003*210", answer="auto", tone_hz=tone_hz) as caller:
        call_id = await api.place(["210"], [number], extension="210")
        await wait_only_call(api, "210", lambda x: x.get("takenBy") == "voicemail")
        await eventually(lambda: caller.heard() is not None)
        await caller.send_dtmf("5")  # ends the greeting
        await eventually(lambda: len(files(lab)) > len(before), timeout=20)
        [file] = [x for x in files(lab) if x not in before]
        await eventually(lambda: file.stat().st_size > seconds * 16_000, timeout=20)
        if hangs_up:
            await caller.hangup()
        await api.wait_ended(call_id, time_limit_s=30)
    return call_id
