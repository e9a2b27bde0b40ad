"""Run by test_kill: accepts calls as fast as it can and prints each id once it is durable."""

from __future__ import annotations

import asyncio
import os
import sys

from bridge.calls.store.call_store import CallStore
from bridge.storage.engine import open_engine
from bridge.storage.write_queue import WriteQueue

from .phone_calls import ended, finish, live_call

_CLIENTS = 20


async def accept_for_ever(store: CallStore) -> None:
    while True:
        call = live_call()
        await store.accept(call)
        os.write(1, f"accepted {call.id}\n".encode())
        assert await finish(store, ended(call))
        os.write(1, f"ended {call.id}\n".encode())


async def main(url: str) -> None:
    engine = open_engine(url)
    queue = WriteQueue(engine)
    await queue.start()
    store = CallStore(engine, queue)
    await asyncio.gather(*(accept_for_ever(store) for _ in range(_CLIENTS)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
