"""All phones register at once, and the edge is killed meanwhile: each is there in the end."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from bridge.testing.softphones.raw_sip import RawSip
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .lab.edge_alone import PASSWORD, challenged, edge_alone, proved
from .lab.kamailio import KamailioEdge

PHONES = 100


class Storm:
    def __init__(self) -> None:
        self.registered: list[str] = []
        self.is_on = asyncio.Event()
        """A part of them is registered."""

    def add(self, number: str) -> None:
        self.registered.append(number)
        if len(self.registered) == PHONES // 4:
            self.is_on.set()


async def register(edge: KamailioEdge, number: str, storm: Storm) -> None:
    """Until it is, as phones do."""
    with RawSip(edge.address, "127.0.0.98") as phone:
        while True:
            with contextlib.suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(5):
                    challenge = await challenged(phone, number)
                    if await phone.status(proved(number, challenge, PASSWORD)) == 200:
                        storm.add(number)
                        return


async def test_given_an_edge_that_is_killed_in_a_storm_then_each_phone_is_registered_once(
    tmp_path_factory: pytest.TempPathFactory, postgresql: PrivatePostgresql
) -> None:
    numbers = {f"0003*{1000 + number}": 0 for number in range(PHONES)}
    folder: Path = tmp_path_factory.mktemp("short")
    async with edge_alone(folder, postgresql, numbers) as edge:
        storm = Storm()
        async with asyncio.timeout(150), asyncio.TaskGroup() as phones:
            for number in numbers:
                phones.create_task(register(edge, number, storm))
            await storm.is_on.wait()
            await edge.kill()
            assert len(storm.registered) < PHONES
            await edge.start()

        assert sorted(storm.registered) == sorted(numbers)
        kept = await edge.control("ul.dump", "brief")
        assert sum(kept.count(f"AoR: {number}\n") for number in numbers) == PHONES
