"""Ended calls from a position on: no gap, none twice, and no more work than the page needs."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, insert, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bridge.calls.state.phone_call import Disposition, PhoneCall
from bridge.calls.store import ended_call_query
from bridge.calls.store.call_detail import CallDetailFilter, CallDetailQuestion
from bridge.calls.store.call_document import call_to_document
from bridge.calls.store.call_keyset import CallsAfter, positions_of
from bridge.calls.store.call_store import CallStore
from bridge.calls.store.ended_calls import CallFilter, CallPosition, EndedCalls
from bridge.storage.engine import open_engine, reading
from bridge.storage.migrate import alembic_config, migrate
from bridge.storage.tables import calls as calls_table

from .phone_calls import ended, finish, live_call

ONE = ["0003*210"]
IDS = ["a2", "A2", "a10", "Zz", "b", "a2b", "z9", "ab", "B"]


@pytest.fixture
async def calls(store: CallStore) -> list[PhoneCall]:
    """In the order of a list: three began in the same millisecond each."""
    found = [
        ended(live_call(call_id, published_ms=1000 + number // 3))
        for number, call_id in enumerate(IDS)
    ]
    for call in found:
        await finish(store, call)
    return sorted(found, key=lambda x: (x.published_ms, x.id))


async def pages(store: CallStore, asked: EndedCalls) -> list[list[str]]:
    """All pages, one after the other."""
    found: list[list[str]] = []
    after: CallPosition | None = None
    while True:
        page, after = await store.ended_after(asked, after, lambda x: x.id)
        found.append(page)
        if after is None:
            return found


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    "extensions",
    [ONE, ["0003*210", "0003*211", "0003*214"], [f"0003*{x}" for x in range(200, 260)]],
    ids=["one", "some", "many"],
)
async def test_all_pages_are_the_list_in_its_order(
    store: CallStore, calls: list[PhoneCall], extensions: Collection[str], *, descending: bool
) -> None:
    expected = [x.id for x in calls]
    if descending:
        expected.reverse()
    for count in (1, 2, len(IDS), 100):
        asked = EndedCalls(extensions, 0, descending=descending, count=count)
        found = await pages(store, asked)
        assert [x for page in found for x in page] == expected
        assert {len(x) for x in found[:-1]} <= {count}
    assert await pages(store, EndedCalls([], 0)) == [[]]


async def test_given_calls_that_come_and_go_then_no_gap_and_none_twice(store: CallStore) -> None:
    for number in range(10):
        await finish(
            store, ended(live_call(f"c{number}", published_ms=1000 + number), 5000 + number)
        )
    asked = EndedCalls(["0003*210", "0003*211"], 0, count=3)
    first, after = await store.ended_after(asked, None, lambda x: x.id)
    assert (first, after) == (["c0", "c1", "c2"], CallPosition(1002, "c2"))
    await finish(store, ended(live_call("early", published_ms=1001)))
    await finish(store, ended(live_call("later", published_ms=1005)))
    assert await store.purge_ended(5003) == 3  # also the call at which the next page begins
    second, after = await store.ended_after(asked, after, lambda x: x.id)
    third, _ = await store.ended_after(asked, after, lambda x: x.id)
    assert (second, third) == (["c3", "c4", "c5"], ["later", "c6", "c7"])


async def test_filters_hold_on_every_page(store: CallStore, calls: list[PhoneCall]) -> None:
    asked = EndedCalls(ONE, 0, filter=CallFilter("id", "contains", ("a",)), count=1)
    expected = [[x.id] for x in calls if "a" in x.id]
    assert await pages(store, asked) == expected
    assert await pages(store, EndedCalls(ONE, 9001)) == [[]]  # they ended before
    assert await pages(store, EndedCalls(ONE, 0, call_id="b", count=1)) == [["b"]]


async def test_the_records_of_several_extensions_take_all_filters(
    store: CallStore, calls: list[PhoneCall]
) -> None:
    asked = CallDetailQuestion(
        ["0003*210", "0003*211"],
        0,
        sources=({"0003*210"},),
        destinations=({"3235742879"}, {"0003*211"}),
        disposition=Disposition.ANSWERED,
        filter=CallDetailFilter("id", "startsWith", ("a",)),
        count=2,
    )
    expected = [x.id for x in calls if x.id.startswith("a")]
    first, after = await store.detail_records_after(asked, None, lambda x: x.id)
    assert first == expected[:2]
    second, after = await store.detail_records_after(asked, after, lambda x: x.id)
    assert (second, after) == (expected[2:], None)


@pytest.mark.parametrize("extensions", [ONE, ["0003*210", "0003*211"]], ids=["one", "two"])
async def test_the_database_begins_at_the_position(
    engine: AsyncEngine, store: CallStore, calls: list[PhoneCall], extensions: list[str]
) -> None:
    """It searches the key of call_parties, from the position on, and scans no table."""
    dialect = engine.dialect.name
    asked = EndedCalls(extensions, 0)
    page = CallsAfter(extensions, CallPosition(1001, "b"), descending=False, count=5)
    query = positions_of(page, ended_call_query.conditions(asked, dialect), dialect)
    sql = str(query.compile(engine, compile_kwargs={"literal_binds": True}))
    plan = await explained(engine, sql)
    if dialect == "sqlite":
        search = "SEARCH call_parties USING PRIMARY KEY (extension=? AND published_ms>?)"
        assert plan.count(search) == len(extensions)
        assert "SCAN call" not in plan
        if len(extensions) == 1:
            assert "TEMP B-TREE FOR ORDER BY" not in plan.replace("LAST TERM OF ", "")
    else:
        assert plan.count("using call_parties_pkey") == len(extensions)
        assert plan.count("Index Cond: ((extension =") == len(extensions)
        assert plan.count("published_ms >=") == len(extensions)
        assert "Seq Scan" not in plan


async def explained(engine: AsyncEngine, sql: str) -> str:
    async with reading(engine) as connection:
        if engine.dialect.name == "sqlite":
            rows = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")).all()
            return "\n".join(str(x[-1]) for x in rows)
        # So few rows would be read as a whole.
        for setting in ("seqscan", "bitmapscan"):
            await connection.exec_driver_sql(f"SET LOCAL enable_{setting} = off")
        rows = (await connection.exec_driver_sql(f"EXPLAIN {sql}")).all()
        return "\n".join(str(x[0]) for x in rows)


async def test_given_rows_of_before_when_migrated_then_their_pages_are_there(
    database_url: str,
) -> None:
    call = ended(live_call("old", published_ms=1234))
    before = create_async_engine(database_url)
    if before.dialect.name == "sqlite":
        Path(str(before.url.database)).parent.mkdir(parents=True, exist_ok=True)
    async with before.begin() as connection:
        await connection.run_sync(_upgraded_to_0006)
        row = {
            "id": "old",
            "pbx": "main",
            "extension": "0003*214",
            "origin": "api",
            "published_ms": 1234,
            "ended_ms": 9000,
            "document": call_to_document(call),
        }
        await connection.execute(insert(calls_table).values(row))
        await connection.execute(
            text("INSERT INTO call_parties (extension, call_id) VALUES ('0003*210', 'old')")
        )
    await before.dispose()
    engine = open_engine(database_url)
    await migrate(engine)
    async with reading(engine) as connection:
        rows = (await connection.execute(text("SELECT * FROM call_parties"))).all()
    await engine.dispose()
    assert [tuple(x) for x in sorted(rows)] in (
        [("0003*210", 1234, "old")],
        [("0003*210", "old", 1234)],  # PostgreSQL adds a column at the end
    )


def _upgraded_to_0006(connection: Connection) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "0006")
