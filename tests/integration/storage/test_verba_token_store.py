from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.access.verba_token_store import VerbaToken, VerbaTokenStore
from bridge.storage.write_queue import WriteQueue


async def test_given_tokens_when_purged_then_the_expired_are_gone(
    engine: AsyncEngine, queue: WriteQueue
) -> None:
    store = VerbaTokenStore(engine, queue)
    old, new = (
        VerbaToken(name, "desk", "supervisor", "f", at) for name, at in (("o", 1), ("n", 9))
    )
    await store.save(old, 10)
    await store.save(new, 10)
    assert await store.find("o") == old
    assert await store.purge_expired(5) == 1
    assert await store.find("o") is None
    assert await store.find("n") == new


async def test_given_more_tokens_than_a_user_may_have_when_saved_then_the_oldest_are_gone(
    engine: AsyncEngine, queue: WriteQueue
) -> None:
    store = VerbaTokenStore(engine, queue)
    others = [VerbaToken("k", "other key", "supervisor", "f", 1)]
    others += [VerbaToken("u", "desk", "carol", "f", 1)]
    for token in others:
        await store.save(token, 3)
    for at in range(1, 6):
        await store.save(VerbaToken(f"t{at}", "desk", "supervisor", "f", at), 3)
    left = [x for x in range(1, 6) if await store.find(f"t{x}") is not None]
    assert left == [3, 4, 5]
    assert [await store.find(x.token_hash) for x in others] == others
