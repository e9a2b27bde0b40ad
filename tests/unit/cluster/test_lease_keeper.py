"""Instances share the leases of one database, and never act for one thing at once."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from bridge.cluster.lease import Lease, all_resources
from bridge.faults import StorageUnavailable
from bridge.storage.fence import Fence
from bridge.supervision.tasks import supervisor
from bridge.testing.eventually import eventually
from tests.lab.instant_time import instant

from .fake_lease_table import FakeTable
from .lease_members import PBX, TIMES, Member, Story, cluster


@instant
async def test_given_two_instances_when_started_then_one_has_it_and_both_know_who() -> None:
    async with cluster("a", "b") as (a, b):
        await asyncio.sleep(30)
        lease = Lease(PBX, "a", 1, "http://a")
        assert a.keeper.held(PBX) == lease
        assert b.keeper.held(PBX) is None
        assert a.keeper.holder_of(PBX) == b.keeper.holder_of(PBX) == lease
        assert [x.name for x in b.keeper.all_instances() if x.lives] == ["a", "b"]
        assert (a.story.heard, b.story.heard) == (["won 1"], [])
        assert (a.keeper.counts(), b.keeper.counts()) == ({"pbx": (1, 1)}, {"pbx": (0, 1)})


@instant
async def test_given_a_holder_when_it_is_cut_off_then_it_stops_before_another_begins() -> None:
    async with cluster("a", "b") as (a, b):
        await asyncio.sleep(20)
        with capture_logs() as logs:
            cut_at_s = asyncio.get_running_loop().time()
            a.rows.is_cut = True
            await asyncio.sleep(20)
            assert a.keeper.held(PBX) is None
            assert 2.5 <= a.story.at_s["paused"] - cut_at_s <= TIMES.fence_s
            assert b.story.at_s["won"] > a.story.at_s["paused"]
            assert b.story.at_s["won"] - cut_at_s <= 7
            a.rows.is_cut = False
            await asyncio.sleep(2)
        assert a.story.heard == ["won 1", "paused 1", "lost 1"]
        assert b.keeper.held(PBX) == Lease(PBX, "b", 2, "http://b")
        lines = {x["event"]: x for x in logs if x["event"].startswith("leases_")}
        assert lines["leases_paused"]["why"] == "no answer within 1 s"
        assert lines["leases_lost"]["why"] == "taken by b"
        assert lines["leases_lost"]["leases"] == {PBX: 1}


@instant
async def test_given_a_stop_when_the_work_has_ended_then_another_takes_over_at_once() -> None:
    async with cluster("a", "b") as (a, b):
        await asyncio.sleep(20)
        a.story.ending.clear()
        stop = asyncio.create_task(a.keeper.stop())
        await asyncio.sleep(3)
        assert a.keeper.held(PBX), "it is kept while the work goes on"
        assert b.keeper.held(PBX) is None
        a.story.ending.set()
        await stop
        await asyncio.sleep(1.3)
        assert a.story.heard == ["won 1", "hand_over 1", "lost 1"]
        assert b.story.heard == ["won 2"]


@instant
async def test_given_work_that_does_not_end_when_stopped_then_the_lease_goes_after_a_limit() -> (
    None
):
    async with cluster("a", "b") as (a, b):
        await asyncio.sleep(20)
        a.story.ending.clear()
        began_s = asyncio.get_running_loop().time()
        with capture_logs() as logs:
            await a.keeper.stop()
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(5, abs=0.1)
        assert "hand_over_took_too_long" in [x["event"] for x in logs]
        await asyncio.sleep(1.3)
        assert b.story.heard == ["won 2"]


@instant
async def test_given_the_database_down_when_it_is_back_then_owners_and_epochs_are_the_same() -> (
    None
):
    pbxs = tuple(f"pbx:{n}" for n in range(4))
    async with cluster("a", "b", resources=pbxs) as members:
        await asyncio.sleep(40)
        before = [[x.keeper.held(y) for y in pbxs] for x in members]
        members[0].rows.table.is_down = True
        await asyncio.sleep(30)
        assert [x.keeper.held(y) for x in members for y in pbxs] == [None] * 8
        members[0].rows.table.is_down = False
        await asyncio.sleep(3)
        assert [[x.keeper.held(y) for y in pbxs] for x in members] == before
        for member in members:
            assert "lost" not in " ".join(member.story.heard[-4:])
        await asyncio.sleep(10)
        assert [[x.keeper.held(y) for y in pbxs] for x in members] == before


@instant
async def test_given_a_holder_that_died_while_the_database_was_down_then_it_is_taken_after() -> (
    None
):
    async with cluster("a", "b") as (a, b):
        await asyncio.sleep(20)
        a.rows.table.is_down = True
        a.rows.is_cut = True
        await asyncio.sleep(30)
        a.rows.table.is_down = False
        back_at_s = asyncio.get_running_loop().time()
        await asyncio.sleep(10)
        assert 5 <= b.story.at_s["won"] - back_at_s <= 8


@instant
async def test_given_a_third_instance_when_it_has_lived_for_a_while_then_all_have_the_same() -> (
    None
):
    resources = all_resources(f"pbx{n}" for n in range(3))
    async with cluster("a", "b", resources=resources) as (a, b):
        await asyncio.sleep(30)
        assert sorted(map(len, (a.has(), b.has()))) == [10, 11]
        c = Member(a.rows.table, "c", resources)
        c.keeper.start()
        await asyncio.sleep(40)
        kinds = [
            (
                sum(x.startswith("pbx:") for x in y.has()),
                sum(x.startswith("hooks:") for x in y.has()),
            )
            for y in (a, b, c)
        ]
        assert [x for x, _ in kinds] == [1, 1, 1]
        assert sorted(x for _, x in kinds) == [5, 5, 6]
        assert sorted(a.has() + b.has() + c.has()) == sorted(resources)
        rest = [x.has() for x in (a, b, c)]
        await asyncio.sleep(60)
        assert [x.has() for x in (a, b, c)] == rest, "nothing goes round"
        await c.keeper.stop()
        await asyncio.sleep(5)
        assert sorted(a.has() + b.has()) == sorted(resources)


@instant
async def test_given_a_drain_when_others_live_then_all_is_handed_over_until_it_returns() -> None:
    async with cluster("a", "b") as (a, b):
        await asyncio.sleep(20)
        assert await b.keeper.set_draining("a", True)
        await asyncio.sleep(5)
        assert a.story.heard == ["won 1", "hand_over 1", "lost 1"]
        assert b.keeper.held(PBX)
        assert a.keeper.draining
        await b.keeper.set_draining("a", False)
        await b.keeper.set_draining("b", True)
        await asyncio.sleep(5)
        assert a.keeper.held(PBX) == Lease(PBX, "a", 3, "http://a")
        assert await b.keeper.set_draining("nobody", True) is False


@instant
async def test_given_the_last_instance_when_it_shall_drain_then_it_keeps_all() -> None:
    async with cluster("a", "b") as (a, b):
        await asyncio.sleep(20)
        await b.keeper.stop()
        await a.keeper.set_draining("a", True)
        await asyncio.sleep(10)
        assert a.keeper.held(PBX), "without an owner nobody could call"


@instant
async def test_given_a_backup_when_restored_then_all_that_saw_newer_epochs_end() -> None:
    async with cluster("a", "b") as (a, b):
        await asyncio.sleep(20)
        backup = a.rows.table.copy()
        for _ in range(2):
            a.rows.is_cut = not a.rows.is_cut
            await asyncio.sleep(20)
        assert b.keeper.held(PBX) == Lease(PBX, "b", 2, "http://b")
        a.rows.table.leases = backup
        with capture_logs() as logs:
            await asyncio.sleep(3)
        assert b.story.heard == ["won 2", "lost 2"]
        assert b.keeper.held(PBX) is a.keeper.held(PBX) is None
        why = [x["why"] for x in logs if x["event"] == "background_task_died"]
        assert why == ["EpochsWentBack: the database has epoch 1 of pbx:one, 2 was there"] * 2
        with pytest.raises(StorageUnavailable, match="the keeper of leases does not run"):
            await a.keeper.look_again()


@instant
async def test_given_a_write_that_was_fenced_then_the_lease_is_lost_before_the_next_renewal() -> (
    None
):
    async with cluster("a") as (a,):
        await asyncio.sleep(20)
        renewals = a.rows.renewals
        await eventually(lambda: a.rows.renewals > renewals)  # the next one is 1.5 s away
        row = a.rows.table.leases[PBX]
        row.holder, row.epoch = "b", row.epoch + 1
        a.keeper.fenced(Fence(PBX, 1, "a"))
        await asyncio.sleep(0.1)
        assert a.story.heard == ["won 1", "lost 1"]
        assert a.keeper.held(PBX) is None


@instant
@pytest.mark.parametrize("hours", [1, -1])
async def test_given_a_jump_of_the_clock_of_the_database_then_nothing_changes_hands(
    hours: int,
) -> None:
    async with cluster("a", "b") as (a, b):
        await asyncio.sleep(20)
        a.rows.table.clock_ahead_ms += hours * 3_600_000
        await asyncio.sleep(20)
        assert (a.story.heard, b.story.heard) == (["won 1"], [])
        a.rows.is_cut = True
        await asyncio.sleep(8)
        assert b.story.heard == ["won 2"]


@instant
async def test_given_a_dead_holder_when_the_clock_jumps_back_then_it_is_taken_all_the_same() -> (
    None
):
    async with cluster("a", "b") as (a, b):
        await asyncio.sleep(20)
        a.rows.is_cut = True
        a.rows.table.clock_ahead_ms -= 3_600_000
        await asyncio.sleep(2 * TIMES.ttl_s + 3)
        assert b.story.heard == ["won 2"]


@instant
async def test_given_a_process_of_the_same_name_when_it_starts_beside_it_then_it_ends() -> None:
    async with cluster("a") as (a,):
        await asyncio.sleep(20)
        second = Member(a.rows.table, "a", (PBX,), process="another")
        with capture_logs() as logs:
            second.keeper.start()
            await asyncio.sleep(3)
        assert "InstanceNameInUse" in supervisor().problem
        assert [x["event"] for x in logs].count("background_task_died") == 1
        assert a.keeper.held(PBX)


@instant
async def test_given_a_killed_process_when_it_is_started_again_then_it_gets_its_own_back() -> None:
    table = FakeTable()
    async with cluster("a", table=table) as (killed,):
        await asyncio.sleep(20)
        killed.rows.is_cut = True
        again = Member(table, "a", (PBX,), process="the next")
        began_s = asyncio.get_running_loop().time()
        again.keeper.start()
        await asyncio.sleep(10)
        assert again.story.heard == ["won 2"]
        assert again.story.at_s["won"] - began_s <= TIMES.ttl_s + 2
        await again.keeper.stop()


@instant
async def test_given_a_listener_that_fails_when_told_then_the_lease_is_renewed_all_the_same() -> (
    None
):
    async with cluster("a") as (a,):

        class Broken(Story):
            def paused(self, lease: Lease) -> None:
                raise ValueError("a fault of ours")

        a.keeper.listen("pbx:", Broken())
        await asyncio.sleep(10)
        a.rows.is_cut = True
        with capture_logs() as logs:
            await asyncio.sleep(10)
            a.rows.is_cut = False
            await asyncio.sleep(3)
        assert "lease_listener_failed" in [x["event"] for x in logs]
        assert a.story.heard == ["won 1", "paused 1", "resumed 1"]
        assert a.keeper.held(PBX)


@instant
async def test_given_a_slow_database_when_it_answers_in_time_then_nothing_pauses() -> None:
    async with cluster("a", "b") as (a, b):
        a.rows.answer_s = b.rows.answer_s = 0.9
        await asyncio.sleep(60)
        assert "paused 1" not in a.story.heard
        assert b.story.heard == []


@instant
async def test_given_a_look_when_asked_for_then_it_waits_for_a_newer_state() -> None:
    async with cluster("a", "b") as (a, b):
        await asyncio.sleep(20)
        await a.keeper.stop()
        assert b.keeper.holder_of(PBX) is not None
        await b.keeper.look_again()
        assert b.keeper.holder_of(PBX) is None or b.keeper.held(PBX)


@instant
async def test_given_a_claim_whose_answer_was_lost_then_it_is_claimed_anew_at_once() -> None:
    async with cluster("a") as (a,):
        await asyncio.sleep(10)
        a.rows.table.leases["pbx:one"].holder = ""
        a.rows.loses_answers = True
        await asyncio.sleep(1.5)
        a.rows.loses_answers = False
        await asyncio.sleep(3)
        lease = a.keeper.held(PBX)
        assert lease is not None
        assert a.rows.table.leases[PBX].epoch == lease.epoch


@instant
async def test_given_one_that_steps_back_then_another_has_it_and_the_first_knows_who() -> None:
    async with cluster("a", "b") as (a, b):
        await asyncio.sleep(20)
        await a.keeper.step_back()
        await asyncio.sleep(4)  # one looks, and then the other: 1.2 s each
        assert a.keeper.holder_of(PBX) == b.keeper.held(PBX) == Lease(PBX, "b", 2, "http://b")
        assert [x.lives for x in b.keeper.all_instances()] == [True, True]
        await b.keeper.stop()
        await asyncio.sleep(20)
        assert a.keeper.held(PBX) is None, "it takes nothing again"
        assert a.story.heard == ["won 1", "hand_over 1", "lost 1"]


@instant
async def test_given_another_that_drains_when_one_steps_back_then_that_one_takes_all() -> None:
    async with cluster("a", "b") as (a, b):
        await asyncio.sleep(20)
        await a.keeper.set_draining("b", True)
        await asyncio.sleep(2)
        await a.keeper.step_back()
        await asyncio.sleep(2)
        assert b.keeper.held(PBX) == Lease(PBX, "b", 2, "http://b")


@instant
async def test_given_an_old_directory_when_a_pbx_is_free_then_it_waits_until_that_is_loaded() -> (
    None
):
    async with cluster("a") as (a,):
        await asyncio.sleep(20)
        b = Member(a.rows.table, "b", (PBX,))
        b.keeper.start()
        await asyncio.sleep(5)
        a.directory_hash = a.rows.table.pushed_hash = "new"
        with capture_logs() as logs:
            await asyncio.sleep(10)
            assert [x.old_directory for x in b.keeper.all_instances()] == [False, True]
            assert not [x for x in logs if x["event"].startswith("pbx_not_claimed")], "it is held"
            await a.keeper.stop()
            await asyncio.sleep(30)
            assert b.story.heard == []
            b.directory_hash = "new"
            await asyncio.sleep(3)
            assert b.story.heard == ["won 2"]
        assert [x["event"] for x in logs if x["event"].startswith("pbx_not_claimed")] == [
            "pbx_not_claimed_began",
            "pbx_not_claimed_ended",
        ]
        await b.keeper.stop()


@instant
async def test_given_an_old_directory_of_one_then_the_others_share_out_the_pbxs() -> None:
    resources = all_resources(["one", "two"])
    async with cluster("a", resources=resources) as (a,):
        a.directory_hash = a.rows.table.pushed_hash = "new"
        await asyncio.sleep(5)
        b = Member(a.rows.table, "b", resources)
        b.keeper.start()
        await asyncio.sleep(60)
        assert [x for x in b.has() if x.startswith("pbx:")] == []
        assert len(b.has()) == 9, "it has its share of all else"
        assert [x for x in a.story.heard if x != "won 1"] == [], "nothing is handed to it"
        await a.keeper.set_draining("a", True)
        await asyncio.sleep(30)
        assert [x for x in a.has() if x.startswith("pbx:")] == ["pbx:one", "pbx:two"]
        b.directory_hash = "new"
        await asyncio.sleep(30)
        assert a.has() == []
        await b.keeper.stop()


@instant
async def test_given_a_pushed_directory_when_it_is_loaded_by_all_then_nothing_changes_hands() -> (
    None
):
    resources = all_resources(["one", "two"])
    async with cluster("a", "b", resources=resources) as (a, b):
        await asyncio.sleep(40)
        before = a.story.heard, b.story.heard
        a.rows.table.pushed_hash = "new"
        await asyncio.sleep(0.5)
        a.directory_hash = "new"
        await asyncio.sleep(20)
        b.directory_hash = "new"
        await asyncio.sleep(40)
        assert (a.story.heard, b.story.heard) == before
