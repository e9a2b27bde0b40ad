"""A code that one instance made counts once, at any of them."""

from __future__ import annotations

import asyncio

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.access.one_time_codes import PER_OWNER
from bridge.access.shared_codes import SharedCodes
from bridge.cluster.sealing import Seal
from bridge.storage.cluster_tables import shared_codes
from bridge.storage.engine import reading
from bridge.storage.write_queue import WriteQueue

VALUE = ("the token of a session", "0003*210")


def codes(engine: AsyncEngine, queue: WriteQueue, lifetime_s: float = 60.0) -> SharedCodes:
    return SharedCodes(engine, queue, lifetime_s, Seal)


async def test_given_a_code_when_used_at_all_instances_at_once_then_it_counts_once(
    migrated: AsyncEngine, queue: WriteQueue
) -> None:
    code = await codes(migrated, queue).new("app", VALUE)
    async with reading(migrated) as connection:
        [row] = (await connection.execute(select(shared_codes))).all()
    assert code not in str(row)
    assert VALUE[0] not in str(row)
    used = await asyncio.gather(*(codes(migrated, queue).use(code) for _ in range(3)))
    assert sorted(used, key=str) == [VALUE, None, None]
    for text in ("x", "é", "x" * 1000, ""):
        assert await codes(migrated, queue).use(text) is None


async def test_given_a_code_when_its_time_is_over_then_it_does_not_count(
    migrated: AsyncEngine, queue: WriteQueue
) -> None:
    code = await codes(migrated, queue, 0.0).new("app", VALUE)
    assert await codes(migrated, queue).use(code) is None
    await codes(migrated, queue).new("app", VALUE)
    async with reading(migrated) as connection:
        assert len((await connection.execute(select(shared_codes))).all()) == 1


async def test_given_many_codes_when_made_then_their_owner_alone_loses_the_oldest(
    migrated: AsyncEngine, queue: WriteQueue
) -> None:
    shared = codes(migrated, queue)
    of_another = await shared.new("another", VALUE)
    first = await codes(migrated, queue, 59.0).new("app", VALUE)  # it ends before the others
    for _ in range(PER_OWNER):
        await shared.new("app", VALUE)
    assert await shared.use(first) is None
    assert await shared.use(of_another) == VALUE
