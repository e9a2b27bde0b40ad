"""A token that another instance has issued: found once, and strangers cost next to nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from bridge.access import token_look_up
from bridge.access.stored_token import StoredToken
from bridge.access.token_look_up import TokenLookUp, TooManyLookUps
from bridge.faults import StorageUnavailable
from tests.lab.instant_time import instant

ADDRESS = "192.0.2.1"


class Database:
    def __init__(self) -> None:
        self.rows: dict[str, StoredToken] = {}
        self.queries: list[set[str]] = []
        self.down = False

    async def find(self, token_hashes: Collection[str]) -> list[StoredToken]:
        self.queries.append(set(token_hashes))
        await asyncio.sleep(0.001)
        if self.down:
            raise StorageUnavailable("down")
        return [self.rows[x] for x in token_hashes if x in self.rows]


def stored(hashed: str) -> StoredToken:
    return StoredToken(hashed, "app", "", 0, 1)


@pytest.fixture
def database() -> Database:
    return Database()


@instant
async def test_given_a_stored_token_when_looked_for_then_it_is_found(database: Database) -> None:
    database.rows["known"] = stored("known")
    assert await TokenLookUp(database.find).find("known", ADDRESS) == stored("known")


@instant
async def test_given_an_unknown_token_when_sent_again_then_the_database_is_left_alone(
    database: Database,
) -> None:
    look_up = TokenLookUp(database.find, asyncio.get_running_loop().time)
    for _ in range(3):
        assert await look_up.find("unknown", ADDRESS) is None
    assert len(database.queries) == 1
    await asyncio.sleep(token_look_up.UNKNOWN_S + 0.1)
    database.rows["unknown"] = stored("unknown")
    assert await look_up.find("unknown", ADDRESS) == stored("unknown")


@instant
async def test_given_a_flood_of_random_tokens_then_queries_are_few_and_a_valid_one_is_found(
    database: Database,
) -> None:
    loop = asyncio.get_running_loop()
    look_up, began_s = TokenLookUp(database.find, loop.time), loop.time()
    database.rows["known"] = stored("known")
    refused = 0

    async def stranger(number: int) -> None:
        nonlocal refused
        for attempt in range(20):
            try:
                assert await look_up.find(f"{number}/{attempt}", ADDRESS) is None
            except TooManyLookUps:
                refused += 1
                await asyncio.sleep(0.01)

    strangers = [asyncio.ensure_future(stranger(x)) for x in range(500)]
    await asyncio.sleep(0.05)
    assert await look_up.find("known", "192.0.2.2") == stored("known")
    await asyncio.gather(*strangers)
    assert refused
    assert len(database.queries) <= 1 + (loop.time() - began_s) / token_look_up.PAUSE_S
    assert max(map(len, database.queries)) <= token_look_up.AT_ONCE


@instant
async def test_given_many_unknown_tokens_then_only_the_last_are_remembered(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_look_up, "UNKNOWN_MAX", 10)
    look_up = TokenLookUp(database.find, asyncio.get_running_loop().time)
    for number in range(12):
        await look_up.find(str(number), ADDRESS)
    queries = len(database.queries)
    await look_up.find("11", ADDRESS)
    assert len(database.queries) == queries
    await look_up.find("0", ADDRESS)
    assert len(database.queries) == queries + 1


@instant
async def test_given_a_database_that_is_down_then_nobody_says_unknown(database: Database) -> None:
    look_up = TokenLookUp(database.find)
    database.rows["known"] = stored("known")
    database.down = True
    with pytest.raises(StorageUnavailable):
        await look_up.find("known", ADDRESS)
    database.down = False
    assert await look_up.find("known", ADDRESS) == stored("known")
