from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.storage.verba_token_store import VerbaToken, VerbaTokenStore
from bridge.storage.write_queue import WriteQueue


async def test_given_tokens_when_purged_then_the_expired_are_gone(
    engine: AsyncEngine, queue: WriteQueue
) -> None:
    store = VerbaTokenStore(engine, queue)
    old, new = (
        VerbaToken(name, "desk", "supervisor", "f", at) for name, at in (("o", 1), ("n", 9))
    )
    await store.save(old)
    await store.save(new)
    assert await store.find("o") == old
    assert await store.purge_expired(5) == 1
    assert await store.find("o") is None
    assert await store.find("n") == new
