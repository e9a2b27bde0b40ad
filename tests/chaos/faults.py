"""What breaks, at random moments."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bridge.testing.lab.bridge_process import BridgeProcess
from tests.bench.ami_relay import AmiRelay

_PAUSE_S = (1.5, 4.0)
_FROZEN_S = (0.2, 3.0)
_READY_LIMIT_S = 60


@dataclass(slots=True)
class Faults:
    """`made`: how many of each kind. Half of them are kill -9."""

    service: BridgeProcess
    relay: AmiRelay
    chance: random.Random
    made: Counter[str] = field(default_factory=Counter)

    async def go_on(self, until: asyncio.Event) -> None:
        """One after the other; returns with a service that is ready."""
        kinds: list[Callable[[], Awaitable[None]]] = [self.kill, self.kill, self.cut, self.freeze]
        while not until.is_set():
            await asyncio.sleep(self.chance.uniform(*_PAUSE_S))  # calls go on undisturbed
            await self.chance.choice(kinds)()
        await self.service.wait_ready(_READY_LIMIT_S)

    async def kill(self) -> None:
        """kill -9, and a start."""
        self.made["kill -9"] += 1
        await self.service.kill()
        await self.service.start(wait_ready=False)
        await self.service.wait_ready(_READY_LIMIT_S)

    async def cut(self) -> None:
        """The link to the PBX is reset, with whatever is on its way."""
        self.made["link cut"] += 1
        self.relay.drop()

    async def freeze(self) -> None:
        """The process stands still for a while, as on a machine that swaps."""
        self.made["frozen"] += 1
        os.kill(self.service.pid, signal.SIGSTOP)
        await asyncio.sleep(self.chance.uniform(*_FROZEN_S))  # so long it stands
        os.kill(self.service.pid, signal.SIGCONT)
