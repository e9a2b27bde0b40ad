"""A talk of two phones, and a Transfer of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.softphone import Softphone

from .acting import act, views

ALICE_HZ, BOB_HZ, CAROL_HZ = 440, 620, 850


async def talk(api: ApiClient, **more: Any) -> str:
    """Of 0003*210 and 0003*211, whose phones answer by themselves; the id of the call."""
    call_id = await api.place(["210"], ["211"], **more)
    await api.wait_call(call_id, lambda x: views(x, "status") == [5, 5])
    return call_id


def numbers(call: Any) -> list[str | None]:
    """The short number of each party, None of a public one."""
    return [x and x.removeprefix("0003*") for x in views(call, "extension")]


def transfers(api: ApiClient, call_id: str, **body: object) -> asyncio.Task[Answer]:
    """Transfer to 0003*212, under way."""
    fields: dict[str, Any] = {"sendCallTo": "0003*212", "waitForPickup": 3, **body}
    return asyncio.create_task(act(api, call_id, "Transfer", **fields))


@asynccontextmanager
async def two_in_talk(
    lab: RunningLab, api: ApiClient
) -> AsyncIterator[tuple[str, Softphone, Softphone]]:
    """The id of a call, and the phones of 0003*210 and 0003*211, which talk in it."""
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
    ):
        yield await talk(api), alice, bob
