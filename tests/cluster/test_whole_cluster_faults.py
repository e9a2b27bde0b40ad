"""Two real Asterisks, three instances and an edge: killed and replaced, with live calls."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.bridge_process import BridgeProcess
from bridge.testing.lab.tcp_proxy import TcpProxy
from bridge.testing.webhook_receiver import Receiver
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .lab.whole_cluster import WholeCluster
from .next_version import VERSION
from .soak.balance import told
from .soak.faults import Faults
from .soak.load import CALLERS, Caller
from .soak.running import open_soaked, soak, subscribed, unsubscribed
from .soak.upgrade import upgrade

pytestmark = pytest.mark.asyncio(loop_scope="module")

TALKING = 5  # on each Asterisk
PBXS = ("pbx:node1", "pbx:node2")


class Bed(NamedTuple):
    """`way`: from the instances to the database."""

    cluster: WholeCluster
    postgresql: PrivatePostgresql
    way: TcpProxy


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bed]:
    async with AsyncExitStack() as stack:
        postgresql = await asyncio.to_thread(PrivatePostgresql)
        stack.callback(postgresql.remove)
        await asyncio.to_thread(postgresql.start)
        way = TcpProxy()
        await way.start()
        stack.push_async_callback(way.stop)
        cluster = await stack.enter_async_context(
            open_soaked(tmp_path_factory.mktemp("short"), postgresql, way)
        )
        yield Bed(cluster, postgresql, way)


async def holders(cluster: WholeCluster) -> dict[str, tuple[str, int]]:
    """Holder and epoch of each PBX."""
    query = "SELECT resource, holder, epoch FROM leases WHERE resource = ANY($1)"
    return {x["resource"]: (x["holder"], x["epoch"]) for x in await cluster.rows(query, list(PBXS))}


async def talk(cluster: WholeCluster, url: str) -> dict[Caller, set[str]]:
    """Calls of each organization, all answered."""
    placed = {}
    for caller in CALLERS:
        async with cluster.client_at(url, caller.client_id) as api:
            creates = (
                api.place(["3235550202"], ["3235550201"], user=caller.user, extension=caller.short)
                for _ in range(TALKING)
            )
            placed[caller] = set(await asyncio.gather(*creates))

    async def answered() -> bool:
        query = "SELECT id FROM calls WHERE answered_ms IS NOT NULL AND ended_ms IS NULL"
        return {x["id"] for x in await cluster.rows(query)} >= set().union(*placed.values())

    await eventually(answered, 20)
    return placed


async def listed(api: ApiClient, caller: Caller) -> set[str]:
    answer = await api.request("GET", f"/uapi/phoneCalls/{caller.user}/{caller.short}")
    return {x["id"] for x in answer.json["entry"]} if answer.status == 200 else set()


def ends_logged(instances: Sequence[BridgeProcess]) -> Counter[Any]:
    lines = (y for x in instances for y in x.log_lines())
    return Counter(x["call_id"] for x in lines if x["event"] == "call_ended")


async def test_given_calls_on_two_pbxs_when_both_holders_are_killed_then_others_have_all(
    bed: Bed,
) -> None:
    cluster = bed.cluster
    async with Receiver() as receiver:
        await subscribed(cluster, receiver)
        placed = await talk(cluster, cluster.instances[0].base_url)
        before = await holders(cluster)
        held_by = {holder for holder, _ in before.values()}
        dead = [x for x in cluster.instances if x.state_dir.name in held_by]
        for instance in dead:
            os.kill(instance.pid, signal.SIGKILL)
        [third, *_] = [x for x in cluster.instances if x not in dead]
        everyone = set().union(*placed.values())
        for caller, ids in placed.items():
            async with cluster.client_at(third.base_url, caller.client_id) as api:

                async def there(
                    api: ApiClient = api, caller: Caller = caller, ids: set[str] = ids
                ) -> bool:
                    return await listed(api, caller) == ids

                await eventually(there, 20)
                path = f"/uapi/phoneCalls/{caller.user}/{caller.short}"

                async def hung_up(
                    api: ApiClient = api, path: str = path, ids: set[str] = ids
                ) -> bool:
                    answer = await api.request("DELETE", path)
                    return answer.status == 200 and {x["id"] for x in answer.json} == ids

                await eventually(hung_up, 10)
        await eventually(lambda: told(receiver).keys() >= everyone, 20)
        after = await holders(cluster)
        assert all(
            after[x][1] > epoch and after[x][0] not in held_by for x, (_, epoch) in before.items()
        ), (before, after)
        rows = await cluster.rows(
            "SELECT id FROM calls WHERE ended_ms IS NOT NULL AND id = ANY($1)", list(everyone)
        )
        assert len(rows) == len(everyone)
        assert told(receiver) == Counter(everyone)
        assert {x: ends_logged(cluster.instances)[x] for x in everyone} == Counter(everyone)
        for instance in dead:
            await instance.kill()
            await instance.started()
        await unsubscribed(cluster)


async def test_given_kills_at_random_when_calls_go_on_then_calls_finals_and_events_are_equal(
    bed: Bed,
) -> None:
    drawn = random.Random(1)
    faults = Faults(bed.cluster, bed.postgresql, drawn)
    meanwhile = faults.run(10, 5, ("kill", "kill", "stop"), at_least=2)
    outcome = await soak(bed.cluster, meanwhile, drawn=drawn, per_second=2)
    assert outcome.balance.even, outcome
    assert outcome.balance.calls > 10
    assert len(faults.done) >= 2


async def test_given_a_new_version_that_changes_the_tables_when_rolled_out_then_all_are_equal(
    bed: Bed,
) -> None:
    cluster = bed.cluster
    outcome = await soak(
        cluster, upgrade(cluster), drawn=random.Random(3), per_second=3, urls=[cluster.url]
    )
    assert outcome.balance.even, outcome
    # Requests are held while a PBX changes hands. HAProxy itself refuses and breaks off nothing.
    assert outcome.refusals.keys() <= {"pbx_unavailable"}, outcome
    versions = await cluster.rows("SELECT DISTINCT version FROM instances")
    assert [x["version"] for x in versions] == [VERSION]
    log = cluster.instances[-1].log_lines()
    assert not [x for x in log if x.get("level") == "critical"]


async def test_given_a_standby_when_the_primary_dies_then_no_epoch_and_no_call_is_lost(
    bed: Bed,
) -> None:
    cluster, primary, way = bed
    standby = await asyncio.to_thread(partial(PrivatePostgresql, primary=primary))
    try:
        await asyncio.to_thread(standby.start)
        await asyncio.to_thread(primary.wait_for_standby)

        async def in_step() -> bool:
            rows = await cluster.rows("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'")
            return len(rows) == 1

        await eventually(in_step)
        await eventually(lambda: _writes(cluster))  # its first commits wait for the standby

        async def fail_over() -> None:
            await asyncio.sleep(1.5)  # calls are placed
            await asyncio.to_thread(primary.die)
            way.cut()
            await asyncio.to_thread(standby.promote)
            way.server_path = standby.socket
            await asyncio.sleep(3)  # calls are placed again

        before = await holders(cluster)
        outcome = await soak(cluster, fail_over(), drawn=random.Random(2), per_second=4)
        assert outcome.balance.even, outcome
        after = await holders(cluster)
        # Whoever was too slow to renew has lost a lease; none has come back with an old epoch.
        assert all(after[x] == held or after[x][1] > held[1] for x, held in before.items()), (
            before,
            after,
        )
    finally:
        standby.remove()


async def _writes(cluster: WholeCluster) -> bool:
    async with cluster.client() as api:
        try:
            return bool(await api.authenticate())
        except AssertionError:
            return False
