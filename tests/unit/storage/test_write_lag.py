"""For how long the oldest write waits that is not on disk yet."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bridge.storage.engine import open_engine
from bridge.storage.migrate import migrate
from bridge.storage.statement import Statement
from bridge.storage.write_queue import WriteQueue
from bridge.testing.eventually import eventually

INSERT = Statement("INSERT INTO storage_probes (name, at_ms) VALUES (:name, 1)")


async def test_given_writes_that_wait_then_the_oldest_one_counts(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite+aiosqlite:///{tmp_path}/bridge.db")
    await migrate(engine)
    queue = WriteQueue(engine, linger_ms=3_600_000)
    await queue.start()
    assert queue.lag_s == 0.0
    came_s = asyncio.get_running_loop().time()
    queue.submit_later(INSERT.write(name="first"))
    await eventually(lambda: queue.lag_s > 0.0)
    before_s = queue.lag_s
    queue.submit_later(INSERT.write(name="second"))
    assert before_s <= queue.lag_s <= asyncio.get_running_loop().time() - came_s
    assert await queue.caught_up()
    await eventually(lambda: queue.lag_s == 0.0)
    await queue.stop()
    await engine.dispose()
