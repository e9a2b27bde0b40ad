"""What the simulated public network sees of the calls to its numbers."""

from __future__ import annotations

import asyncio

from tests.lab.running_lab import RunningLab

_TIMEOUT_S = 10.0


async def wait_public_calls(lab: RunningLab, number: str, count: int) -> list[str]:
    """Until so many calls to that number live there; the caller number that each was shown."""
    seen: list[str] = []
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            while len(seen := await public_calls(lab, number)) != count:  # noqa: ASYNC110 - nothing there to wait on
                await asyncio.sleep(0.1)
            return seen
    except TimeoutError:
        raise AssertionError(f"{number} has {len(seen)} calls, not {count}") from None


async def public_calls(lab: RunningLab, number: str) -> list[str]:
    """The caller number of every call to that number that lives there now."""
    network = lab.asterisk.public_network
    assert network is not None
    # Channel!Context!Exten!Priority!State!Application!Data!CallerID!…
    lines = (await network.console("core show channels concise")).splitlines()
    channels = [line.split("!") for line in lines if "!" in line]
    return [fields[7] for fields in channels if fields[2] == number]
