from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.calls.store.call_store import CallStore
from bridge.calls.store.idempotency_store import (
    IdempotencyConflict,
    IdempotencyEntry,
    IdempotencyStore,
)
from bridge.storage.write_queue import WriteQueue

from .phone_calls import live_call

ENTRY = IdempotencyEntry("app", "key", "hash", 202, '[{"id": "ü"}]', None, 1_000)


async def test_keys_belong_to_their_client(store: CallStore, idempotency: IdempotencyStore) -> None:
    other = replace(ENTRY, client_id="other", status=200)
    await store.accept(live_call(), ENTRY)
    await store.accept(live_call(), other)
    assert await idempotency.find("app", "key") == ENTRY
    assert await idempotency.find("other", "key") == other
    assert await idempotency.find("app", "Key") is None


async def test_replaced_answer(store: CallStore, idempotency: IdempotencyStore) -> None:
    await store.accept(live_call(), ENTRY)
    assert await idempotency.replace_answer("app", "key", 503, "{}")
    assert await idempotency.find("app", "key") == replace(ENTRY, status=503, response="{}")
    assert not await idempotency.replace_answer("app", "none", 503, "{}")


async def test_a_key_is_free_again_after_its_time(
    store: CallStore, idempotency: IdempotencyStore
) -> None:
    await store.accept(live_call(), ENTRY)
    last = ENTRY.created_ms + 24 * 3600 * 1000 - 1
    assert await idempotency.find("app", "key", now_ms=last) == ENTRY
    assert await idempotency.find("app", "key", now_ms=last + 1) is None
    with pytest.raises(IdempotencyConflict):
        await store.accept(live_call(), replace(ENTRY, created_ms=last))
    again = replace(ENTRY, created_ms=last + 1, body_hash="another")
    await store.accept(live_call(), again)
    assert await idempotency.find("app", "key") == again


async def test_purge(store: CallStore, idempotency: IdempotencyStore) -> None:
    for number in range(5):
        await store.accept(live_call(), replace(ENTRY, key=str(number), created_ms=number))
    assert await idempotency.purge(3) == 3
    assert await idempotency.find("app", "2") is None
    assert await idempotency.find("app", "3") is not None


async def test_a_key_lives_as_long_as_it_is_set_to(engine: AsyncEngine, queue: WriteQueue) -> None:
    hour_ms = 3600 * 1000
    idempotency = IdempotencyStore(engine, queue, lifetime_ms=48 * hour_ms)
    store = CallStore(engine, queue, idempotency)
    await store.accept(live_call(), ENTRY)
    later = ENTRY.created_ms + 30 * hour_ms
    assert await idempotency.find("app", "key", now_ms=later) == ENTRY
    with pytest.raises(IdempotencyConflict):
        await store.accept(live_call(), replace(ENTRY, created_ms=later))
    assert await idempotency.find("app", "key", now_ms=later + 18 * hour_ms) is None


async def test_given_more_keys_than_are_kept_when_purged_then_the_newest_stay(
    store: CallStore, idempotency: IdempotencyStore
) -> None:
    for number in range(5):
        await store.accept(live_call(), replace(ENTRY, key=str(number), created_ms=10 + number))
    assert await idempotency.purge(0, keys_max=5) == 0
    assert await idempotency.purge(0, keys_max=2) == 3
    assert await idempotency.find("app", "2") is None
    assert await idempotency.find("app", "3") is not None
