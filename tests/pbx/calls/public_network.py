"""What the simulated public network sees of the calls to its numbers."""

from __future__ import annotations

import re

from bridge.testing.eventually import eventually
from bridge.testing.lab.running_lab import RunningLab

_TIMEOUT_S = 30.0


async def wait_public_calls(lab: RunningLab, number: str, count: int) -> list[str]:
    """Until so many calls to that number live there; the caller number that each was shown."""
    seen: list[str] = []

    async def so_many() -> bool:
        nonlocal seen
        seen = await public_calls(lab, number)
        return len(seen) == count

    await eventually(
        so_many, _TIMEOUT_S, why=lambda: f"{number} has {len(seen)} calls, not {count}"
    )
    return seen


async def public_calls(lab: RunningLab, number: str) -> list[str]:
    """The caller number of every call to that number that lives there now."""
    network = lab.asterisk.public_network
    assert network is not None
    # Channel!Context!Exten!Priority!State!Application!Data!CallerID!…
    lines = (await network.console("core show channels concise")).splitlines()
    channels = [line.split("!") for line in lines if "!" in line]
    return [fields[7] for fields in channels if fields[2] == number]


async def calls_of_public_network(lab: RunningLab) -> int:
    """So many it has had since it began, however short."""
    network = lab.asterisk.public_network
    assert network is not None
    said = re.search(r"(\d+) calls? processed", await network.console("core show channels count"))
    assert said
    return int(said[1])
