"""Instances over one database in memory, each with a listener that notes what it hears."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from bridge.cluster.lease import Lease
from bridge.cluster.lease_keeper import LeaseKeeper
from bridge.cluster.lease_store import OwnInstance
from bridge.cluster.lease_times import LeaseTimes

from .fake_lease_table import FakeRows, FakeTable

TIMES = LeaseTimes()
PBX = "pbx:one"


class Story:
    """A listener that notes what it hears, with the second."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.at_s: dict[str, float] = {}
        self.ending = asyncio.Event()
        self.ending.set()

    def won(self, lease: Lease) -> None:
        self._note("won", lease)

    def paused(self, lease: Lease) -> None:
        self._note("paused", lease)

    def resumed(self, lease: Lease) -> None:
        self._note("resumed", lease)

    def lost(self, lease: Lease) -> None:
        self._note("lost", lease)

    async def hand_over(self, lease: Lease) -> None:
        self._note("hand_over", lease)
        await self.ending.wait()

    def _note(self, what: str, lease: Lease) -> None:
        self.heard.append(f"{what} {lease.epoch}")
        self.at_s[what] = asyncio.get_running_loop().time()


class Member:
    """One instance: its keeper, its way to the database, and what its listener heard."""

    def __init__(
        self, table: FakeTable, name: str, resources: tuple[str, ...], process: str = ""
    ) -> None:
        loop = asyncio.get_running_loop()
        own = OwnInstance(name, f"http://{name}", process or f"process of {name}", "1")
        self.rows = FakeRows(table, own, TIMES)
        self.directory_hash = ""
        self.keeper = LeaseKeeper(
            self.rows,
            name,
            resources,
            directory_hash=lambda: self.directory_hash,
            times=TIMES,
            clock=loop.time,
        )
        self.story = Story()
        self.keeper.listen("pbx:", self.story)

    def has(self) -> list[str]:
        return sorted(x.resource for x in self.keeper._held.all())  # noqa: SLF001


@contextlib.asynccontextmanager
async def cluster(
    *names: str, resources: tuple[str, ...] = (PBX,), table: FakeTable | None = None
) -> AsyncIterator[list[Member]]:
    table = table or FakeTable()
    members = [Member(table, name, resources) for name in names]
    for member in members:
        member.keeper.start()
        await asyncio.sleep(0.1)  # virtual time; the first one gets all
    try:
        yield members
    finally:
        for member in members:
            member.rows.is_cut = member.rows.table.is_down = False
            await member.keeper.stop()
