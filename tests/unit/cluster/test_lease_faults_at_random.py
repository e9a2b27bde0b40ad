"""Whatever fails and when: never two act for one thing, and in the end somebody acts for each."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from dataclasses import dataclass

import pytest

from bridge.cluster.lease import Lease
from bridge.supervision.tasks import supervisor
from tests.lab.instant_time import instant

from .fake_lease_table import FakeTable
from .lease_members import Member

RESOURCES = ("pbx:0", "pbx:1", "pbx:2", "hooks:0", "hooks:1", "hooks:2", "hooks:3", "job:purge")
STEPS = 60
STEP_S = 1.7


@dataclass
class Watch:
    """Notes each moment at which an instance may act."""

    members: list[Member]
    table: FakeTable

    def __post_init__(self) -> None:
        self._last_epoch: defaultdict[str, int] = defaultdict(int)

    async def look(self) -> None:
        while True:
            for resource in RESOURCES:
                acting = [x for m in self.members if (x := m.keeper.held(resource))]
                assert len(acting) <= 1, acting
                if acting:
                    assert acting[0].epoch >= self._last_epoch[resource], acting
                    self._last_epoch[resource] = acting[0].epoch
            await asyncio.sleep(0.05)

    def holders(self) -> list[Lease | None]:
        return [
            next((x for m in self.members if (x := m.keeper.held(resource))), None)
            for resource in RESOURCES
        ]


@pytest.mark.parametrize("seed", range(25))
@instant
async def test_given_faults_at_random_then_one_acts_at_a_time_and_all_is_held_in_the_end(
    seed: int,
) -> None:
    random.seed(seed)  # of the keepers as well
    chance = random.Random(seed)
    table = FakeTable()
    members = [Member(table, name, RESOURCES) for name in ("a", "b", "c")]
    watch = Watch(members, table)
    for member in members:
        member.keeper.start()
    looking = asyncio.ensure_future(watch.look())
    told: list[str] = []
    for _ in range(STEPS):
        told.append(_fault(chance, table, members))
        await asyncio.sleep(chance.uniform(0.1, 2 * STEP_S))
        assert not looking.done(), (told, looking.exception())
    for member in members:
        member.rows.is_cut = member.rows.loses_answers = False
        member.rows.answer_s = 0.002
    for row in table.instances.values():
        row.draining = False
    table.is_down = False
    await asyncio.sleep(30)
    assert not looking.done(), (told, looking.exception())
    assert all(watch.holders()), told
    assert not supervisor().problem, told
    counts = sorted(len(member.has()) for member in members)
    assert sum(counts) == len(RESOURCES)
    assert counts[0] >= 1, told
    for member in members:
        await member.keeper.stop()
    looking.cancel()


def _fault(chance: random.Random, table: FakeTable, members: list[Member]) -> str:
    """One more thing goes wrong, or right again; its name."""
    member = chance.choice(members)
    name = member.keeper.own
    match chance.randrange(7):
        case 0:
            member.rows.is_cut = not member.rows.is_cut
            return f"{name} cut {member.rows.is_cut}"
        case 1:
            member.rows.loses_answers = not member.rows.loses_answers
            return f"{name} loses answers {member.rows.loses_answers}"
        case 2:
            member.rows.answer_s = chance.choice([0.002, 0.3, 0.9])
            return f"{name} answers in {member.rows.answer_s}"
        case 3:
            table.is_down = not table.is_down
            return f"down {table.is_down}"
        case 4:
            row = table.instances.get(name)
            if row is not None:
                row.draining = not row.draining
            return f"{name} drains or returns"
        case 5:
            table.clock_ahead_ms += chance.choice([-1, 1]) * chance.choice([2, 60, 3600]) * 1000
            return "the clock of the database jumps"
        case _:
            return "nothing"
