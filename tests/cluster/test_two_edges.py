"""Two edges at the same time: a phone registers at either, and is rung once wherever it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.softphones.plain_phone import PlainPhone
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .lab.cluster import Cluster, open_cluster
from .lab.kamailio import KamailioEdge

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALICE, DESK, BOB = "0003*210", "0003*211", "0003*212"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(
    postgresql: PrivatePostgresql, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Cluster]:
    folder = tmp_path_factory.mktemp("short")
    async with open_cluster(folder, postgresql, nodes=1, edges=2) as made:
        yield made


async def is_at(cluster: Cluster, number: str, *edges: int) -> None:
    """Until that number is registered at these edges, by their numbers, and at no other."""

    found: list[int] = []

    async def there() -> bool:
        nonlocal found
        query = "SELECT server_id FROM edge.location WHERE username = :n ORDER BY 1"
        found = [x for (x,) in await cluster.rows(query, n=number)]
        return found == list(edges)

    await eventually(there, 20, why=lambda: f"{number} is at {found}")


async def forgets(edge: KamailioEdge, number: str) -> None:
    """Until the edge no longer has that number in memory."""

    async def forgotten() -> bool:
        dumped = await edge.control("ul.dump", "brief")
        return "Domain: location" in dumped and f"AoR: {number}\n" not in dumped

    await eventually(forgotten, 20)


async def has_status(api: ApiClient, number: str, status: str) -> bool:
    """Of its presence: 1 if its phone can be reached."""
    answer = await api.request("GET", f"/uapi/extensions/@me/{number}/presence")
    return bool(answer.json["entry"][0]["status"] == status)


async def rings_once(api: ApiClient, caller: str, called: PlainPhone) -> None:
    """An app connects the two: the phone that is called gets one call, and answers it."""
    called.forget_calls()
    called.answers_after_s = 0.0
    await eventually(lambda: has_status(api, caller, "1"), 30)  # the node may just have started
    call = await api.place(caller, called.user.partition("*")[2])
    await api.wait_status(call, 5)
    await api.hang_up(caller, call)
    await api.leave_no_call()
    await called.free()
    assert len(called.calls) == 1


async def test_given_phones_at_two_edges_then_each_is_rung_once_by_the_edge_that_has_it(
    cluster: Cluster,
) -> None:
    first, second = cluster.edges
    async with (
        cluster.phone(ALICE, "tcp", edge=second) as alice,
        cluster.phone(DESK, edge=first) as desk,
        cluster.phone(BOB, "ws", edge=second) as bob,
        cluster.nodes[0].service.client() as api,
    ):
        alice.answers_after_s = 0.0
        for called in (desk, bob):
            await rings_once(api, "210", called)
        bob.forget_calls()
        bob.refuses_with = 486
        call = await alice.dial(BOB)
        await asyncio.wait_for(call.over.wait(), 10)
        assert (call.final, len(bob.calls)) == (486, 1)


async def test_given_a_phone_that_goes_to_another_edge_and_back_then_it_is_at_the_last_one_only(
    cluster: Cluster,
) -> None:
    first, second = cluster.edges
    async with (
        cluster.phone(ALICE, edge=first) as alice,
        cluster.phone(DESK, edge=first) as desk,
        cluster.nodes[0].service.client() as api,
    ):
        alice.answers_after_s = 0.0
        for number, left in ((1, first), (0, second), (1, first)):
            await desk.move(cluster.edges[number].address)
            await is_at(cluster, DESK, number)
            await rings_once(api, "210", desk)
            await forgets(left, DESK)
        assert (await desk.register()).status == 200  # it renews what it has
        await is_at(cluster, DESK, 1)
        await rings_once(api, "210", desk)


@asynccontextmanager
async def devices(cluster: Cluster, number: str, count: int) -> AsyncIterator[None]:
    """So many may be registered for that number at a time."""
    query = "UPDATE edge.subscriber SET devices = :d WHERE username = :n"
    await cluster.run(query, n=number, d=count)
    try:
        yield
    finally:
        await cluster.run(query, n=number, d=1)


async def test_given_one_edge_when_another_comes_then_each_phone_is_rung_once(
    cluster: Cluster,
) -> None:
    first, second = cluster.edges
    async with (
        cluster.phone(ALICE, edge=first) as alice,
        cluster.phone(DESK, edge=first) as desk,
    ):
        alice.answers_after_s = 0.0
        await cluster.set_edges([first])
        await cluster.set_edges([first, second])
        async with cluster.nodes[0].service.client() as api, cluster.phone(BOB, edge=second) as bob:
            for called in (desk, bob):
                await rings_once(api, "210", called)


async def test_given_two_devices_at_two_edges_when_called_then_both_ring_and_one_moves(
    cluster: Cluster,
) -> None:
    first, second = cluster.edges
    async with (
        devices(cluster, DESK, 2),
        cluster.phone(ALICE, edge=first) as alice,
        cluster.phone(DESK, edge=first) as desk,
        cluster.phone(DESK, "tcp", edge=second) as pocket,
    ):
        await is_at(cluster, DESK, 0, 1)
        call = await alice.dial(DESK)
        await asyncio.gather(desk.ringing(), pocket.ringing())
        await pocket.calls[0].accept()
        await asyncio.wait_for(desk.calls[0].over.wait(), 10)
        await call.answered.wait()
        await call.hang_up()
        await pocket.free()
        await desk.move(second.address)
        await is_at(cluster, DESK, 1, 1)


async def test_given_a_number_that_left_the_directory_then_each_edge_forgets_its_phone(
    cluster: Cluster,
) -> None:
    for number, edge in zip(("0003*213", "0003*214"), cluster.edges, strict=True):
        async with cluster.phone(number, edge=edge) as phone:
            await cluster.run("DELETE FROM edge.subscriber WHERE username = :n", n=number)
            await is_at(cluster, number)
            assert (await phone.register()).status == 401


async def test_given_an_edge_that_is_killed_then_the_phones_of_the_other_go_on_and_its_own_return(
    cluster: Cluster,
) -> None:
    first, second = cluster.edges
    async with (
        cluster.phone(ALICE, edge=second) as alice,
        cluster.phone(BOB, "tcp", edge=second) as bob,
        cluster.phone(DESK, edge=first) as desk,
        cluster.nodes[0].service.client() as api,
    ):
        alice.answers_after_s = bob.answers_after_s = 0.0
        call = await alice.dial(BOB)
        await call.answered.wait()
        await first.kill()
        try:
            await call.hold()
            await call.hold(resumed=True)
            await call.hang_up()
            await bob.free()
            await rings_once(api, "210", bob)  # though the node may not know yet that it died

            await eventually(lambda: has_status(api, "211", "0"))
            assert (await api.create("211", "210")).code == "pc_source_invalid"
            await desk.move(second.address)
            await is_at(cluster, DESK, 1)
            await rings_once(api, "210", desk)
        finally:
            await first.start()
        await rings_once(api, "210", desk)
        await is_at(cluster, DESK, 1)


async def test_given_an_edge_that_stood_still_when_it_goes_on_then_a_phone_that_left_rings_once(
    cluster: Cluster,
) -> None:
    first, second = cluster.edges
    async with (
        cluster.phone(ALICE, edge=second) as alice,
        cluster.phone(DESK, edge=first) as desk,
        cluster.nodes[0].service.client() as api,
    ):
        alice.answers_after_s = 0.0
        first.freeze()
        try:
            await desk.move(second.address)
            await is_at(cluster, DESK, 1)
            await rings_once(api, "210", desk)
        finally:
            first.thaw()
        await rings_once(api, "210", desk)
        await is_at(cluster, DESK, 1)
