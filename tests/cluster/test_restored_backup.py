"""The database is put back to an older state, under two instances that run and have live calls."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.softphones.sipp_behaviour import rings

from .calls_of_cluster import all_live, ends_logged, finals, talks
from .leases.test_cluster_command import cluster_command
from .running_cluster import RunningCluster, open_cluster

pytestmark = pytest.mark.asyncio(loop_scope="module")

PUBLIC = ["3235550202"], ["3235550201"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningCluster]:
    """Of two instances; `a` holds the PBX."""
    settings = {
        "stop_notice_s": "0",  # no balancer is there that would have to notice
        "wait_for_pickup_default_s": "300",  # a phone rings until the test has ended
    }
    async with open_cluster(tmp_path_factory.mktemp("short"), ["a", "b"], settings) as running:
        yield running


async def put_back(cluster: RunningCluster) -> None:
    """As an operator does in an emergency: nobody stops the instances first."""
    await asyncio.to_thread(cluster.postgresql.stop)
    await asyncio.to_thread(cluster.postgresql.restore)
    await asyncio.to_thread(cluster.postgresql.start)


async def wait_holds_all(cluster: RunningCluster, name: str) -> None:
    """Until no other instance has a lease. While it is alone, none changes hands."""

    async def alone() -> bool:
        holders = await cluster.rows("SELECT DISTINCT holder FROM leases")
        return [x["holder"] for x in holders] == [name]

    await eventually(alone, 40)


async def test_given_a_backup_of_the_same_epochs_when_restored_then_the_holder_keeps_its_calls(
    cluster: RunningCluster,
) -> None:
    cluster.hit("b", signal.SIGTERM)
    await wait_holds_all(cluster, "a")
    async with cluster.client("a") as api:
        ids = await talks(api, 1)
        before = await cluster.wait_held("a")
        await asyncio.to_thread(cluster.postgresql.back_up)
        ids.append(await api.place(*PUBLIC, extension="210"))
        await put_back(cluster)
        known = [x["id"] for x in await cluster.rows("SELECT id FROM calls")]
        assert ids[0] in known
        after = await cluster.wait_held("a")
        assert (after.holder, after.epoch) == (before.holder, before.epoch)
        await all_live(api, ids)
        assert {x["id"] for x in (await api.hang_up()).json} == set(ids)
        await finals(cluster, ids)
    assert ends_logged(cluster, ids) == {1}


async def test_given_a_backup_of_older_epochs_when_restored_then_all_end_and_once_started_go_on(
    cluster: RunningCluster,
) -> None:
    await cluster.ensure_running()
    async with cluster.lab("a").scripted("0003*213", rings()) as dave:
        async with cluster.client("a") as api:
            [old] = await talks(api, 1)
            await asyncio.to_thread(cluster.postgresql.back_up)
            code, _, err = await cluster_command(cluster.database_url, "drain", "a")
            assert code == 0, err
            await cluster.wait_held("b")

            async def seen_by_a() -> bool:
                held = await cluster.held("a")
                return held is not None and held.holder == "b"

            await eventually(seen_by_a, 40)
            ringing = await api.place(["0003*213"], ["3235550201"], extension="210")
            await dave.wait_ringing()
        await put_back(cluster)
        for name, process in cluster.instances.items():
            await eventually(process.has_ended, 30, why=process.log_text)
            [died] = process.log_lines("critical")
            assert (died["event"], died["task"]) == ("background_task_died", "leases")
            assert "EpochsWentBack" in str(died["why"])
            cluster.ended.add(name)
        # As their supervisor starts them again.
        await cluster.ensure_running()
        now = await cluster.wait_held(await cluster.holder())
        async with cluster.client(now.holder) as api:
            # The one that the backup has, and the one that only Asterisk knows.
            await all_live(api, [old, ringing])
            new = await api.place(*PUBLIC, extension="210")
            everyone = [old, ringing, new]
            assert {x["id"] for x in (await api.hang_up()).json} == set(everyone)
            await finals(cluster, everyone)
        await dave.wait_closed()
        assert dave.incoming_invites == 1
    assert ends_logged(cluster, everyone) == {1}
