"""Thousands of phones come by SIGHUP: those that were there are served at every moment.

With 5,000, as in docs/operating.md: `PHONES=5000 pytest --timeout=1800` and this file.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from bridge.directory.loader import EXAMPLE_FILE
from bridge.testing.eventually import eventually
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.softphone import Softphone
from bridge.testing.softphones.toolchain import ensure_phone_tools

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIRST, ALL = 700, int(os.environ.get("PHONES", "2200"))
"""With fewer new ones Asterisk's queues stay below 500, and it would answer anyway."""
SERVED_WITHIN_S = 5.0
"""On a busy machine; without a pace nobody is answered for the whole time."""
_LOADED_WITHIN_S = 60 + 0.3 * ALL


def directory(count: int) -> str:
    """The example and so many phones more, 500 in an organization."""
    organizations = []
    for number in range(count):
        if number % 500 == 0:
            prefix = 1000 + number // 500
            organizations.append(
                f"  - id: {prefix}\n    prefix: {prefix}\n    name: O{prefix}\n"
                f"    users: [{{id: {prefix}, name: U}}]\n    extensions:\n"
            )
        organizations.append(
            f"      - {{number: {prefix}*{100 + number % 500}, type: Phone Terminal, "
            f"user: {prefix}, sip_secret: secret-of-them}}\n"
        )
    return EXAMPLE_FILE.read_text().replace("\napps:\n", "\n" + "".join(organizations) + "apps:\n")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("thousands") / "directory.yaml"
    file.write_text(directory(FIRST))
    return file


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(file: Path) -> AsyncIterator[RunningLab]:
    ensure_phone_tools()
    lab = await open_lab(file.parent, {"directory_file": str(file)})
    try:
        yield lab
    finally:
        await lab.close()


async def health(bridge: BridgeProcess) -> Any:
    async with aiohttp.ClientSession() as http, http.get(f"{bridge.base_url}/health/ready") as got:
        assert got.status == 200
        return await got.json()


def loads(bridge: BridgeProcess) -> list[dict[str, object]]:
    return [x for x in bridge.log_lines() if x["event"] == "phones_provisioned"]


@contextlib.contextmanager
def within(limit_s: float, taken_s: list[float]) -> Iterator[None]:
    began_s = time.monotonic()
    yield
    taken_s.append(time.monotonic() - began_s)
    assert taken_s[-1] < limit_s


async def register_and_be_called(lab: RunningLab, old: Softphone, taken_s: list[float]) -> None:
    """A phone that was there registers anew, and a call from outside reaches another."""
    with within(SERVED_WITHIN_S, taken_s):
        async with lab.scripted("0003*212"):
            pass
    with within(SERVED_WITHIN_S, taken_s):
        await lab.asterisk.call_in("5550003210")
        await old.wait_established(SERVED_WITHIN_S)
    await old.hangup()
    await lab.asterisk.hang_up_public_network()


async def test_given_thousands_of_new_phones_when_loaded_then_the_others_are_served_throughout(
    lab: RunningLab, file: Path
) -> None:
    async with lab.phone("0003*210", answer="auto") as old:
        before = len(loads(lab.bridge))
        file.write_text(directory(ALL))
        lab.bridge.reload()
        await eventually(lambda: "directory_reloaded" in lab.bridge.log_text(), timeout=30)

        def over() -> bool:
            return len(loads(lab.bridge)) > before

        async def tells_its_progress() -> bool:
            """Not before the first comparison with the PBX."""
            problem = (await health(lab.bridge)).get("phones", {})
            return "are changed on the PBX" in problem.get("why", "")

        async def begun() -> bool:
            return await tells_its_progress() or over()

        await eventually(begun, timeout=60)
        taken_s: list[float] = []
        async with asyncio.timeout(_LOADED_WITHIN_S):
            while not taken_s or not over():  # a quick machine is done after one round
                await register_and_be_called(lab, old, taken_s)
    print(loads(lab.bridge)[-1], f"slowest {max(taken_s):.2f} s of {len(taken_s)}")  # noqa: T201
    assert loads(lab.bridge)[-1]["added"] == ALL - FIRST
    assert "phones" not in await health(lab.bridge)
    last = ALL - 1
    async with Softphone(
        f"{1000 + last // 500}*{100 + last % 500}", "secret-of-them", port=lab.asterisk.ports.sip
    ):
        pass  # a new one registers


async def test_given_phones_taken_away_and_brought_back_at_once_then_they_are_there(
    lab: RunningLab, file: Path
) -> None:
    before = len(loads(lab.bridge))
    file.write_text(directory(ALL - 90))
    lab.bridge.reload()
    await eventually(lambda: len(loads(lab.bridge)) == before + 1, timeout=60)
    file.write_text(directory(ALL))
    lab.bridge.reload()
    await eventually(lambda: len(loads(lab.bridge)) == before + 2, timeout=60)
    await eventually(lambda: "not_made" not in loads(lab.bridge)[-1], timeout=60)
    assert not [x for x in lab.bridge.log_lines("error") if x["event"] == "phone_not_made_began"]
    assert loads(lab.bridge)[-1]["added"] == 90
