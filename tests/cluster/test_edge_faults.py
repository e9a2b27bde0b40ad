"""Nodes and the edge die, stand still, and come back, while phones call."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.softphones.plain_call import PlainCall
from bridge.testing.softphones.plain_phone import PlainPhone

from .lab.cluster import Cluster, Node, ring

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALICE, DESK, BOB, ABROAD = "0003*210", "0003*211", "0003*212", "0004*210"
THAWED_S = 1.0
"""A node that goes on has executed what waited for it well within this time."""


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def _all_is_well_again(cluster: Cluster) -> AsyncIterator[None]:
    yield
    await eventually(lambda: _all_active(cluster), 15)
    for node in cluster.nodes:
        await node.service.wait_ready()


async def _all_active(cluster: Cluster) -> bool:
    listed = await cluster.edge.control("dispatcher.list")
    flags = [x.split()[1] for x in listed.splitlines() if x.strip().startswith("FLAGS")]
    return bool(flags) and set(flags) == {"AP"}


@asynccontextmanager
async def frozen(node: Node) -> AsyncIterator[None]:
    pid = node.asterisk.pbx.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def channels(cluster: Cluster, node: Node) -> list[dict[str, str]]:
    async with cluster.ami(node) as ami:
        return await ami.channels()


async def answered(phone: PlainPhone, number: str, within_s: float = 10.0) -> PlainCall:
    call = await phone.dial(number)
    await asyncio.wait_for(call.answered.wait(), within_s)
    return call


async def test_given_a_node_that_stood_still_when_it_goes_on_then_no_call_runs_twice(
    cluster: Cluster,
) -> None:
    first, second = cluster.nodes
    async with cluster.phone(ALICE) as alice, cluster.phone(DESK) as desk:
        desk.answers_after_s = 0.0
        async with frozen(first):
            call = await answered(alice, DESK)
            assert len(await channels(cluster, second)) == 2
            await call.hang_up()
            await desk.free()
            rung = len(desk.calls)
        await first.service.wait_ready()
        await asyncio.sleep(THAWED_S)  # nothing may happen meanwhile
        assert await channels(cluster, first) == []
        assert len(desk.calls) == rung == 1
        async with first.service.client() as api:
            assert await api.calls("210") == []
            assert len(await api.calls("210", ended="true")) == 1


@pytest_asyncio.fixture(loop_scope="module")
async def clock_ahead(cluster: Cluster) -> AsyncIterator[None]:
    """The nodes are as far behind the edge as docs/edge.md lets them be, and a little more."""
    await cluster.edge.stop()
    cluster.edge.ahead_ms = 900
    await cluster.edge.start()
    yield
    await cluster.edge.stop()
    cluster.edge.ahead_ms = 0
    await cluster.edge.start()


async def test_given_a_node_whose_clock_is_behind_when_it_goes_on_then_no_call_runs_twice(
    cluster: Cluster, clock_ahead: None
) -> None:
    first, second = cluster.nodes
    async with cluster.phone(ALICE) as alice, cluster.phone(DESK) as desk:
        desk.answers_after_s = 0.0
        # The age is counted in whole seconds, and from now on it is least to the node.
        await asyncio.sleep((0.12 - time.time()) % 1)
        async with frozen(first):
            call = await alice.dial(DESK)
            await asyncio.sleep(2.25)  # the age at which it would still take the call
            cluster.edge.freeze()  # else it would end a second call at once, if it is quick
        await asyncio.sleep(0.2)  # it takes the call, or not
        cluster.edge.thaw()
        await eventually(lambda: call.answered.is_set() or call.over.is_set(), 10)
        await first.service.wait_ready()
        await asyncio.sleep(THAWED_S)  # nothing may happen meanwhile
        calls = int(call.answered.is_set())
        assert len(desk.calls) == calls
        running = [len(await channels(cluster, x)) for x in (first, second)]
        assert running in ([2 * calls, 0], [0, 2 * calls])
        assert calls == 1 or call.final == 403  # too old to the one that had it
        await call.hang_up()
        await desk.free()


async def test_given_a_dead_node_when_its_phones_call_then_another_takes_each_call(
    cluster: Cluster,
) -> None:
    first, second = cluster.nodes
    async with cluster.phone(ALICE) as alice:
        await first.asterisk.kill()
        calls = [await answered(alice, "00") for _ in range(3)]
        assert len(await channels(cluster, second)) == 3
        for call in calls:
            await call.hang_up()
        await first.asterisk.start()
        await eventually(lambda: _all_active(cluster), 15)
        await (await answered(alice, "00")).hang_up()


async def test_given_a_node_that_is_taken_out_then_its_call_lives_and_new_ones_go_elsewhere(
    cluster: Cluster,
) -> None:
    first, second = cluster.nodes
    uri = f"sip:{first.sip[0]}:{first.sip[1]}"
    async with cluster.phone(ALICE) as alice, cluster.phone(DESK) as desk:
        old = await answered(alice, "00")
        for number in ("1", "2"):
            await cluster.edge.control("dispatcher.set_state", "dx", number, uri)
        new = await answered(alice, "00")
        assert len(await channels(cluster, first)) == len(await channels(cluster, second)) == 1
        await old.hold()
        await old.hang_up()
        await new.hang_up()
        async with cluster.ami(first) as ami:  # it still reaches phones
            await ring(ami, DESK)
            call = await desk.ringing()
            await call.accept()
            await call.acknowledged.wait()
            await call.hang_up()
        for number in ("1", "2"):
            await cluster.edge.control("dispatcher.set_state", "ap", number, uri)


async def test_given_no_notes_of_the_database_when_a_phone_registers_then_it_is_seen_soon(
    cluster: Cluster,
) -> None:
    await cluster.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
    )
    async with cluster.phone(ALICE):
        await eventually(lambda: _reachable(cluster, ALICE), 15)
        query = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"

        async def listening() -> bool:
            return len(await cluster.rows(query)) >= len(cluster.nodes)

        await eventually(listening, 15)
    await eventually(lambda: _gone(cluster, ALICE), 15)  # by a note: all are read every 30 s


async def test_given_an_edge_that_was_killed_then_udp_phones_ring_and_others_after_they_return(
    cluster: Cluster,
) -> None:
    node = cluster.nodes[0]
    async with (
        cluster.phone(ALICE) as alice,
        cluster.phone(DESK) as desk,
        node.service.client() as api,
        AsyncExitStack() as stack,
    ):
        over_tcp = PlainPhone(BOB, cluster.secret(BOB), cluster.edge.address, "tcp")
        over_ws = PlainPhone(ABROAD, cluster.secret(ABROAD), cluster.edge.address, "ws")
        for phone in (over_tcp, over_ws):
            await phone.start()
            stack.push_async_callback(phone.stop)
        desk.answers_after_s = 0.0
        await cluster.edge.kill()

        async def refused() -> bool:
            began = time.monotonic()
            answer = await api.create("211", "210")
            return answer.status == 400 and time.monotonic() - began < 1

        await eventually(refused, 10)
        await api.leave_no_call()
        cluster.edge.folder = cluster.edge.folder.with_name("edge2")  # as on another machine
        await cluster.edge.start()

        rows = "SELECT username FROM edge.location ORDER BY username"

        async def of_udp_alone() -> bool:
            return [x for (x,) in await cluster.rows(rows)] == [ALICE, DESK]

        await eventually(of_udp_alone, 10)
        await (await answered(alice, DESK)).hang_up()
        await eventually(lambda: _reachable(cluster, DESK), 10)
        assert not await _reachable(cluster, BOB)

        await stack.aclose()
        async with cluster.phone(ABROAD, "ws") as back:
            back.answers_after_s = 0.0
            await (await answered(alice, ABROAD)).hang_up()
        async with cluster.phone(BOB, "tcp") as again:
            again.answers_after_s = 0.0
            await (await answered(alice, BOB)).hang_up()


async def _gone(cluster: Cluster, number: str) -> bool:
    return not await _reachable(cluster, number)


async def _reachable(cluster: Cluster, number: str) -> bool:
    async with cluster.nodes[0].service.client() as api:
        short = number.partition("*")[2]
        answer = await api.request("GET", f"/uapi/extensions/@me/{short}/presence")
        return bool(answer.json["entry"][0]["status"] == "1")
