"""What several edges settle in the database: which of them live, and where a phone is by now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from bridge.cluster.edge.tables import TABLES, make_edge_tables
from tests.integration.storage.private_postgresql import PrivatePostgresql

NUMBER = "0003*210"
EARLIER = (
    "CREATE SCHEMA edge",
    "CREATE TABLE edge.removals (username varchar(64) PRIMARY KEY)",
    "INSERT INTO edge.removals VALUES ('0003*299')",
)


class Database:
    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    async def run(self, statement: str, **values: object) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(text(statement), values)

    async def rows(self, query: str) -> list[Any]:
        async with self.engine.connect() as connection:
            return [tuple(x) for x in (await connection.execute(text(query))).all()]

    async def register(self, ruid: str, edge: int, **more: object) -> None:
        """As Kamailio does: the row, and then the others are told."""
        values = {"contact": ruid, "callid": ruid, "instance": None, **more}
        await self.run(
            "INSERT INTO edge.location (username, ruid, server_id, contact, callid, instance)"
            " VALUES (:number, :ruid, :edge, :contact, :callid, :instance)",
            number=NUMBER,
            ruid=ruid,
            edge=edge,
            **values,
        )

    async def came(self, edge: int, devices: int = 1) -> None:
        await self.run(
            "SELECT edge.came(:number, :edge, :devices)",
            number=NUMBER,
            edge=edge,
            devices=devices,
        )

    async def registered(self) -> list[str]:
        return [x for (x,) in await self.rows("SELECT ruid FROM edge.location ORDER BY 1")]

    async def lives(self) -> dict[int, bool]:
        return dict(await self.rows("SELECT server_id, lives FROM edge.edges"))

    async def beat(self, edge: int, *, seen_s: float = 0) -> None:
        """`seen_s`: so long ago it had beaten before."""
        await self.run(
            "UPDATE edge.edges SET seen = clock_timestamp() - make_interval(secs => :s)"
            " WHERE server_id = :edge",
            edge=edge,
            s=seen_s,
        )
        await self.run("SELECT edge.beat(:edge)", edge=edge)


@pytest_asyncio.fixture
async def database(postgresql: PrivatePostgresql) -> AsyncIterator[Database]:
    engine = create_async_engine(postgresql.new_database(), poolclass=NullPool)
    async with engine.begin() as connection:
        for statement in EARLIER:
            await connection.execute(text(statement))
    await make_edge_tables(engine)
    yield Database(engine)
    await engine.dispose()


async def test_what_an_earlier_version_has_made_is_kept_and_made_once(database: Database) -> None:
    await make_edge_tables(database.engine)
    kept = [("0003*299", 0, "")]
    assert await database.rows("SELECT username, server_id, ruid FROM edge.removals") == kept
    assert len(TABLES) == len(set(TABLES))


async def test_a_phone_that_comes_to_an_edge_leaves_the_others(database: Database) -> None:
    await database.register("a", 0)
    await database.register("b", 1)
    await database.came(1)
    assert await database.registered() == ["b"]
    query = "SELECT username, server_id, ruid FROM edge.removals WHERE ruid <> ''"
    assert await database.rows(query) == [(NUMBER, 0, "a")]
    await database.came(0)  # that edge was slow: its own row has gone meanwhile
    assert await database.registered() == ["b"]


async def test_an_edge_that_is_late_leaves_a_phone_that_has_gone_on(database: Database) -> None:
    await database.register("a", 0)
    await database.register("b", 1)
    await database.came(0)
    assert await database.registered() == ["a", "b"]
    await database.came(1)
    assert await database.registered() == ["b"]
    await database.register("c", 0)
    await database.run("UPDATE edge.location SET cseq = 2 WHERE ruid = 'b'")  # it is renewed
    await database.came(0)
    await database.came(1)
    assert await database.registered() == ["b"]


async def test_a_phone_that_comes_to_two_edges_at_once_stays_at_one(database: Database) -> None:
    for turn in range(20):
        await database.run("DELETE FROM edge.location")
        await database.register(f"a{turn}", 0)
        await database.register(f"b{turn}", 1)
        await asyncio.gather(database.came(0), database.came(1))
        assert len(await database.registered()) == 1


async def test_of_several_devices_only_the_same_one_leaves_the_others(database: Database) -> None:
    await database.register("desk", 0, contact="sip:desk")
    await database.register("old-call", 0, callid="one-call")
    await database.register("old-instance", 0, instance="<urn:1>")
    await database.register("same-contact", 1, contact="sip:desk")
    await database.register("same-call", 1, callid="one-call")
    await database.register("same-instance", 1, instance="<urn:1>")
    await database.register("pocket", 0)
    await database.came(1, devices=3)
    assert await database.registered() == ["pocket", "same-call", "same-contact", "same-instance"]


async def test_an_edge_that_says_nothing_is_dead_to_those_that_do(database: Database) -> None:
    for edge in (0, 1):
        await database.beat(edge)
    assert await database.lives() == {0: True, 1: True}
    await database.register("a", 0)
    await database.register("b", 1)
    await database.run("UPDATE edge.edges SET seen = seen - interval '6 s' WHERE server_id = 0")
    await database.beat(1, seen_s=60)  # the database was away: it says nothing of others
    assert await database.lives() == {0: True, 1: True}
    await database.beat(1)
    assert await database.lives() == {0: False, 1: True}
    assert await database.rows("SELECT contact FROM edge.reached") == [("b",)]
    await database.beat(0)
    assert await database.lives() == {0: True, 1: True}
    assert len(await database.rows("SELECT contact FROM edge.reached")) == 2


async def test_what_a_dead_edge_had_ends_when_it_would_have_ended(database: Database) -> None:
    for edge in (0, 1):
        await database.beat(edge)
    for ruid, edge, ends_s in (("a", 0, -1), ("b", 0, 3600), ("c", 1, -1)):
        await database.register(ruid, edge)
        await database.run(
            "UPDATE edge.location SET expires = now() AT TIME ZONE 'UTC'"
            " + make_interval(secs => :ends_s) WHERE ruid = :ruid",
            ends_s=ends_s,
            ruid=ruid,
        )
    await database.run("UPDATE edge.edges SET seen = seen - interval '6 s' WHERE server_id = 0")
    await database.beat(1)
    assert await database.registered() == ["b", "c"]  # that of a living edge is its own affair


async def test_a_number_that_left_is_forgotten_by_each_edge(database: Database) -> None:
    for edge in (1, 2):
        await database.beat(edge)
    await database.run(
        "INSERT INTO edge.subscriber (username, ha1) VALUES (:number, '')", number=NUMBER
    )
    await database.run("DELETE FROM edge.subscriber")
    query = f"SELECT server_id FROM edge.removals WHERE username = '{NUMBER}' ORDER BY 1"  # noqa: S608
    assert await database.rows(query) == [(0,), (1,), (2,)]
    await database.beat(1)
    assert await database.rows(query) == [(1,), (2,)]  # there is no edge 0
