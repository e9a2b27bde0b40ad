"""Run by test_keyed_answers: subscribes with keys as fast as it can, until it is killed."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from dataclasses import replace

from bridge.calls.store.idempotency_store import IdempotencyStore
from bridge.http.keyed_answers import (
    AnswerKeeper,
    IdempotentRequest,
    KeyedAnswers,
    StoredAnswer,
)
from bridge.phone_call_events.store.subscription_store import EventSubscriptionStore
from bridge.storage.engine import open_engine
from bridge.storage.write_queue import WriteQueue

from .test_event_deliveries import a_subscription

_CLIENTS = 10
_numbers = itertools.count()


async def subscribe(store: EventSubscriptionStore, keyed: KeyedAnswers) -> None:
    number = next(_numbers)
    subscription = replace(a_subscription(number), note=f"key{number}")

    async def run(keeper: AnswerKeeper) -> StoredAnswer:
        answer = StoredAnswer(200, "{}")
        assert await store.insert(subscription, 100_000, keeper.first_write(answer))
        return answer

    await keyed.once(IdempotentRequest("app", subscription.note, lambda: b""), run)
    os.write(1, b"subscribed\n")


async def subscribe_for_ever(store: EventSubscriptionStore, keyed: KeyedAnswers) -> None:
    while True:
        await subscribe(store, keyed)


async def main(url: str) -> None:
    engine = open_engine(url)
    queue = WriteQueue(engine)
    await queue.start()
    store = EventSubscriptionStore(engine, queue)
    keyed = KeyedAnswers(IdempotencyStore(engine, queue))
    await asyncio.gather(*(subscribe_for_ever(store, keyed) for _ in range(_CLIENTS)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
