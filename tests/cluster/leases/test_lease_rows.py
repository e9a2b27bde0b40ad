"""The statements of leases in PostgreSQL: one winner, and no step past a writer's guard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.cluster.hints import PostgresqlHints
from bridge.cluster.lease import Lease
from bridge.cluster.lease_connection import LeaseConnection
from bridge.cluster.lease_store import CHANNEL, LeaseStore, OwnInstance, SeenLease
from bridge.cluster.lease_times import LeaseTimes
from bridge.testing.eventually import eventually

PBX = "pbx:one"
TIMES = LeaseTimes()
GUARD = text("SELECT 1 FROM leases WHERE resource = :resource AND epoch = :epoch FOR KEY SHARE")


class Way:
    """One instance's way to the rows."""

    def __init__(self, engine: AsyncEngine, name: str, process: str = "") -> None:
        self.connection = LeaseConnection(engine, name, TIMES.answer_s)
        own = OwnInstance(name, f"http://{name}", process or f"process of {name}", "1")
        self.rows = LeaseStore(self.connection, own, TIMES)


@pytest.fixture
async def ways(engine: AsyncEngine) -> AsyncIterator[list[Way]]:
    ways = [Way(engine, name) for name in ("a", "b")]
    for way in ways:
        assert (await way.rows.register(-1)).done
    yield ways
    for way in ways:
        await way.connection.close()


async def seen_by(way: Way) -> SeenLease | None:
    return (await way.rows.look()).leases.get(PBX)


async def run_out(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE leases SET expires_ms = 1"))


async def test_given_a_lease_that_ran_out_when_two_claim_at_once_then_one_has_the_next_epoch(
    engine: AsyncEngine, ways: list[Way], pytestconfig: pytest.Config
) -> None:
    a, b = ways
    winners = set()
    for epoch in range(1, (1000 if pytestconfig.getoption("--cluster-long") else 100) + 1):
        seen = await seen_by(a)
        claimed = await asyncio.gather(a.rows.claim(PBX, seen), b.rows.claim(PBX, seen))
        [lease] = [x for x in claimed if x is not None]
        assert lease.epoch == epoch
        winners.add(lease.holder)
        await run_out(engine)
    assert winners == {"a", "b"}


async def test_given_a_commit_under_way_when_claimed_then_the_claim_waits_and_a_renewal_does_not(
    engine: AsyncEngine, ways: list[Way]
) -> None:
    a, b = ways
    lease = await a.rows.claim(PBX, None)
    assert lease == Lease(PBX, "a", 1, "http://a")
    async with engine.connect() as writer:
        guard = await writer.execute(GUARD, {"resource": PBX, "epoch": 1})
        assert guard.scalar() == 1
        assert (await a.rows.renew([lease], "")).renewed == {PBX}
        async with asyncio.timeout(0.5):  # a change of the expiry passes the guard
            await run_out(engine)
        seen = await seen_by(b)
        assert await b.rows.claim(PBX, seen) is None, "a guard holds the epoch"
        assert b.connection.is_up, "the server gave up, the connection did not break"
        claim = asyncio.create_task(b.rows.claim(PBX, seen))
        await asyncio.sleep(0.1)  # it waits in the server, which nobody can see from here
        assert not claim.done()
        await writer.commit()
        assert await claim == Lease(PBX, "b", 2, "http://b")
        guard = await writer.execute(GUARD, {"resource": PBX, "epoch": 1})
        assert guard.scalar() is None
        assert (await a.rows.renew([lease], "")).renewed == frozenset()


async def test_given_a_lease_that_lives_when_claimed_then_it_stays(ways: list[Way]) -> None:
    a, b = ways
    lease = await a.rows.claim(PBX, None)
    assert lease
    assert await b.rows.claim(PBX, None) is None
    row = await seen_by(b)
    assert row
    assert (row.holder, row.epoch, row.url, row.over) == ("a", 1, "http://a", False)
    await asyncio.sleep(0.002)  # the clock of the rows counts milliseconds
    assert (await a.rows.renew([lease], "")).renewed == {PBX}
    assert await b.rows.claim(PBX, row) is None, "it was renewed since it was seen"
    assert await b.rows.claim(PBX, await seen_by(b)) == Lease(PBX, "b", 2, "http://b"), "a dead one"
    assert (await a.rows.renew([lease], "")).renewed == frozenset()


async def test_given_a_lease_that_ran_out_when_nobody_took_it_then_its_holder_renews_it(
    engine: AsyncEngine, ways: list[Way]
) -> None:
    a, b = ways
    lease = await a.rows.claim(PBX, None)
    assert lease
    await run_out(engine)
    assert (await b.rows.look()).leases[PBX].over
    assert (await a.rows.renew([lease], "hash")).renewed == {PBX}
    seen = await b.rows.look()
    assert not seen.leases[PBX].over
    assert [(x.name, x.lives, x.directory_hash) for x in seen.instances] == [
        ("a", True, "hash"),
        ("b", True, ""),
    ]


async def test_given_a_release_when_committed_then_the_others_hear_and_can_claim_at_once(
    ways: list[Way],
) -> None:
    a, b = ways
    hints = PostgresqlHints(b.connection)
    heard: list[str] = []
    hints.listen(CHANNEL, heard.append)
    await b.rows.look()
    heard.clear()
    lease = await a.rows.claim(PBX, None)
    assert lease
    await a.rows.release(Lease(PBX, "a", 7, ""))
    assert (await b.rows.look()).leases[PBX].holder == "a", "another epoch is not released"
    await a.rows.release(lease)
    assert await b.rows.claim(PBX, None) == Lease(PBX, "b", 2, "http://b")
    await eventually(lambda: heard == [PBX] * 3)


async def test_given_hints_when_given_then_each_listener_hears_its_channel_once(
    ways: list[Way],
) -> None:
    a, b = ways
    giver, hearer = PostgresqlHints(a.connection), PostgresqlHints(b.connection)
    heard: list[str] = []
    hearer.listen("shards", heard.append)
    await b.rows.look()
    assert heard == [""], "some may have been missed before"
    giver.start()
    for payload in ("3", "4", "3", "it's"):
        giver.notify("shards", payload)
    giver.notify("others", "5")
    await eventually(lambda: heard[1:] == ["3", "4", "it's"], why=lambda: heard)
    await giver.stop()
    with pytest.raises(ValueError, match="not a channel"):
        hearer.listen("Shards; DROP", heard.append)
    with pytest.raises(ValueError, match="at most"):
        giver.notify("shards", "x" * 1001)


async def test_given_a_name_in_use_when_another_process_registers_then_only_after_its_silence(
    engine: AsyncEngine, ways: list[Way]
) -> None:
    a, _ = ways
    again = Way(engine, "a", "the next process")
    refused = await again.rows.register(-1)
    assert not refused.done
    assert (await again.rows.register(refused.beat_ms)).done, "its beat was seen to stand still"
    assert (await a.rows.renew([], "")).draining is None
    await again.rows.leave()
    assert [x.name for x in (await again.rows.look()).instances] == ["b"]
    assert (await a.rows.register(-1)).done, "the other has ended"
    await again.connection.close()


async def test_given_a_drain_when_told_then_the_instance_reads_it_with_its_beat(
    ways: list[Way],
) -> None:
    a, b = ways
    assert (await a.rows.renew([], "")).draining is False
    assert await b.rows.set_draining("a", True)
    assert (await a.rows.renew([], "")).draining is True
    assert await b.rows.set_draining("a", False)
    assert (await a.rows.renew([], "")).draining is False
    assert not await b.rows.set_draining("nobody", True)
