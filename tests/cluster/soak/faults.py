"""What happens to instances and to the database meanwhile, drawn at random."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from bridge.testing.eventually import eventually
from tests.cluster.lab.whole_cluster import WholeCluster, WholeInstance
from tests.integration.storage.private_postgresql import PrivatePostgresql

KINDS = ("kill", "kill", "kill", "freeze", "stop", "database")
_RIGHT_LIMIT_S = 40.0
_DATABASE_AWAY_S = 3.0
_FROZEN_S = 8.0
_OF_HOLDERS = 0.75


@dataclass(frozen=True)
class Fault:
    """`right_s`: seconds until each PBX had a holder with which calls can be placed."""

    kind: str
    right_s: float


class Faults:
    def __init__(
        self, cluster: WholeCluster, postgresql: PrivatePostgresql, drawn: random.Random
    ) -> None:
        self._cluster = cluster
        self._postgresql = postgresql
        self._drawn = drawn
        self.done: list[Fault] = []

    async def run(
        self, seconds: float, every_s: float, kinds: Sequence[str] = KINDS, at_least: int = 1
    ) -> None:
        """All of it is well again when this returns."""
        end_s = time.monotonic() + seconds
        while (began_s := time.monotonic()) < end_s or len(self.done) < at_least:
            kind = self._drawn.choice(kinds)
            instance = await self._chosen()
            self.done.append(Fault(kind, await self._one(kind, instance)))
            rest_s = every_s - (time.monotonic() - began_s)
            await asyncio.sleep(max(rest_s, 1.0))  # until the next one

    async def _chosen(self) -> WholeInstance:
        """One that holds a PBX, three times of four."""
        everyone = list(self._cluster.instances)
        holders = [x for x in everyone if await _held_by(x)]
        return self._drawn.choice(holders if self._drawn.random() < _OF_HOLDERS else everyone)

    async def _one(self, kind: str, instance: WholeInstance) -> float:
        others = [x for x in self._cluster.instances if x is not instance]
        at_s = time.monotonic()
        if kind == "database":
            await asyncio.to_thread(self._postgresql.stop)
            await asyncio.sleep(_DATABASE_AWAY_S)  # it is away
            await asyncio.to_thread(self._postgresql.start)
            at_s = time.monotonic()
            return await self._right(self._cluster.instances, at_s)
        if kind == "freeze":
            os.kill(instance.pid, signal.SIGSTOP)
            right_s = await self._right(others, at_s)
            await asyncio.sleep(max(0.0, _FROZEN_S - right_s))  # it stands still
            os.kill(instance.pid, signal.SIGCONT)
            await instance.wait_ready()
            return right_s
        await (instance.kill() if kind == "kill" else instance.stop())
        right_s = await self._right(others, at_s)
        await instance.started()
        return right_s

    async def _right(self, instances: Sequence[WholeInstance], since_s: float) -> float:
        """Seconds until these instances hold all PBXs, each with its link."""
        wanted = {x.pbx.folder.parent.name for x in self._cluster.nodes}

        async def held() -> bool:
            names = [y for x in instances for y in await _held_by(x)]
            return set(names) == wanted

        await eventually(held, _RIGHT_LIMIT_S)
        return time.monotonic() - since_s


async def _held_by(instance: WholeInstance) -> list[str]:
    """The PBXs on which it places calls, as it says itself."""
    limit = aiohttp.ClientTimeout(total=1.0)
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with (
            aiohttp.ClientSession(timeout=limit) as http,
            http.get(f"{instance.base_url}/health/ready") as answer,
        ):
            said = await answer.json()
            own = said.get("instance")
            return [x["name"] for x in said.get("pbxs", ()) if x["up"] and x["holder"] == own]
    return []
