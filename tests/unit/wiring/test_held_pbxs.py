"""An instance holds the node of each PBX whose lease it has, and of no other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest
from structlog.testing import capture_logs

from bridge.cluster.lease import pbx_resource
from bridge.config.settings import Settings
from bridge.faults import StorageUnavailable
from bridge.storage.row_writer import RowWriter
from bridge.storage.write_queue import WriteQueue
from bridge.testing.eventually import eventually
from bridge.wiring.held_pbxs import PBX_RESOURCES, HeldPbxs
from tests.unit.cluster.fake_leases import FakeLeases

PBX = pbx_resource("pbx1")


@dataclass
class Instance:
    """Implements NodeHolder; `told` is what it was told, in order."""

    told: list[str] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    may_begin: asyncio.Event = field(default_factory=asyncio.Event)
    acts: list[Callable[[], bool]] = field(default_factory=list)

    async def begin_node(
        self,
        settings: Settings,
        writes: RowWriter,
        may_act: Callable[[], bool],
        *,
        taken_over: bool,
    ) -> None:
        self.told.append(f"begin {settings.pbx_name}")
        self.acts.append(may_act)
        await self.may_begin.wait()
        if self.faults:
            raise self.faults.pop()

    async def end_node(self, name: str) -> None:
        self.told.append(f"end {name}")

    def cut_node(self, name: str) -> None:
        self.told.append(f"cut {name}")


class Queue:
    writes = True

    async def caught_up(self, within_s: float | None = None) -> bool:
        return self.writes


@dataclass
class Stage:
    instance: Instance
    leases: FakeLeases
    pbxs: HeldPbxs
    queue: Queue


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    instance, leases, queue = Instance(), FakeLeases(), Queue()
    instance.may_begin.set()
    settings = Settings.model_validate({"pbx_host": "192.0.2.1"})
    pbxs = HeldPbxs(instance, leases, cast("WriteQueue", queue), [settings])
    leases.listen(PBX_RESOURCES, pbxs)
    yield Stage(instance, leases, pbxs, queue)
    await pbxs.stop()


async def test_given_a_lease_when_won_and_lost_then_the_node_begins_and_is_cut_at_once() -> None:
    async with stage() as given:
        given.leases.win(PBX)
        await eventually(lambda: given.instance.told == ["begin pbx1"])
        given.leases.lose(PBX)
        assert given.instance.told == ["begin pbx1", "cut pbx1"]
        await eventually(lambda: given.instance.told[2:] == ["end pbx1"])


async def test_given_a_lease_when_released_then_the_node_ends_in_order_and_is_not_cut() -> None:
    async with stage() as given:
        given.leases.win(PBX)
        await eventually(lambda: given.instance.told == ["begin pbx1"])
        await given.leases.release(PBX)
        assert given.instance.told == ["begin pbx1", "end pbx1"]


@pytest.mark.parametrize("writes", [True, False])
async def test_given_a_database_that_takes_no_rows_when_handed_over_then_the_log_says_so(
    writes: bool,
) -> None:
    async with stage() as given:
        given.leases.win(PBX)
        await eventually(lambda: given.instance.told == ["begin pbx1"])
        given.queue.writes = writes
        with capture_logs() as lines:
            await given.leases.release(PBX)
        said = [x for x in lines if x["event"] == "hand_over_not_written"]
        assert len(said) == (0 if writes else 1)


async def test_given_a_pause_then_the_node_stays_and_may_not_act_until_it_is_over() -> None:
    async with stage() as given:
        given.leases.win(PBX)
        await eventually(lambda: bool(given.instance.acts))
        [may_act] = given.instance.acts
        assert may_act()
        given.leases.pause(PBX)
        assert not may_act()
        given.leases.resume(PBX)
        assert may_act()
        assert given.instance.told == ["begin pbx1"]


async def test_given_a_lease_lost_while_its_node_begins_then_the_node_is_cut_and_ended() -> None:
    async with stage() as given:
        given.instance.may_begin.clear()
        given.leases.win(PBX)
        await eventually(lambda: bool(given.instance.told))
        given.leases.lose(PBX)
        given.instance.may_begin.set()
        await eventually(lambda: given.instance.told[1:] == ["cut pbx1", "cut pbx1", "end pbx1"])


async def test_given_a_lease_won_again_then_the_new_node_begins_after_the_old_one_has_ended() -> (
    None
):
    async with stage() as given:
        given.leases.win(PBX)
        await eventually(lambda: given.instance.told == ["begin pbx1"])
        given.leases.give(PBX, "b", "http://127.0.0.1:8081")
        given.leases.win(PBX)
        wanted = ["begin pbx1", "cut pbx1", "end pbx1", "begin pbx1"]
        await eventually(lambda: given.instance.told == wanted)
        old, new = given.instance.acts
        assert (old(), new()) == (False, True)


@pytest.mark.parametrize("fault", [StorageUnavailable("down"), ValueError("a defect")])
async def test_given_a_start_that_fails_then_it_is_tried_again_while_the_lease_is_held(
    fault: Exception,
) -> None:
    async with stage() as given:
        given.instance.faults.append(fault)
        began_s = time.monotonic()
        given.leases.win(PBX)
        await eventually(lambda: given.instance.told == ["begin pbx1", "begin pbx1"])
        assert time.monotonic() - began_s < 5


async def test_given_nodes_when_the_instance_stops_then_all_have_ended() -> None:
    async with stage() as given:
        given.leases.win(PBX)
        await eventually(lambda: given.instance.told == ["begin pbx1"])
    assert given.instance.told == ["begin pbx1", "end pbx1"]


async def test_given_a_database_that_is_away_then_two_lines_tell_it() -> None:
    async with stage() as given:
        given.instance.faults += [StorageUnavailable("down")] * 3
        with capture_logs() as lines:
            given.leases.win(PBX)
            await eventually(lambda: any(x["event"] == "node_started" for x in lines))
    told = [x["event"] for x in lines if x["event"] != "node_stopped"]
    assert told == ["node_not_started", "node_started_late", "node_started"]
