from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.access.stored_token import StoredToken, TokenRecords
from bridge.access.token_store import TokenStore
from bridge.storage.write_queue import WriteQueue


def token(name: str, client_id: str = "app", expires_ms: int = 5000) -> StoredToken:
    return StoredToken(name, client_id, "fingerprint", 1000, expires_ms)


@pytest.fixture
def tokens(engine: AsyncEngine, queue: WriteQueue) -> TokenStore:
    return TokenStore(engine, queue)


def test_is_what_the_token_service_needs(tokens: TokenStore) -> None:
    needed: TokenRecords = tokens
    assert needed is tokens


async def test_saved_tokens_are_loaded_until_they_expire(tokens: TokenStore) -> None:
    await tokens.save(token("a"))
    await tokens.save(token("b", expires_ms=6000))
    assert set(await tokens.load(4999)) == {token("a"), token("b", expires_ms=6000)}
    assert await tokens.load(5000) == [token("b", expires_ms=6000)]


async def test_delete(tokens: TokenStore) -> None:
    for number in range(3000):
        if number < 5:
            await tokens.save(token(str(number)))
    await tokens.delete([str(number) for number in range(1, 3000)])
    await tokens.delete([])
    assert await tokens.load(0) == [token("0")]


async def test_purge_removes_what_expires_at_or_before(tokens: TokenStore) -> None:
    for number in range(10):
        await tokens.save(token(str(number), expires_ms=number))
    assert await tokens.purge_expired(6) == 7
    assert sorted(kept.expires_ms for kept in await tokens.load(0)) == [7, 8, 9]
