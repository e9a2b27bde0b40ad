"""A group without writes: its submitter is told once all that came before is on disk."""

from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from bridge.storage.engine import open_engine
from bridge.storage.migrate import migrate
from bridge.storage.statement import Statement
from bridge.storage.write_queue import WriteQueue
from bridge.testing.eventually import eventually

INSERT = Statement("INSERT INTO storage_probes (name, at_ms) VALUES (:name, 1)")


async def test_given_a_full_queue_then_it_has_room_and_after_the_stop_nothing_is_lost(
    tmp_path: Path,
) -> None:
    engine = open_engine(f"sqlite+aiosqlite:///{tmp_path}/bridge.db")
    await migrate(engine)
    queue = WriteQueue(engine, max_waiting=1, linger_ms=0)
    await queue.start()
    told: list[str] = []
    with capture_logs() as lines:
        assert queue.submit_later(INSERT.write(name="a"), written=lambda: told.append("a"))
        assert queue.submit_later(written=lambda: told.append("all"))
        await eventually(lambda: told == ["a", "all"])
        await queue.stop()
        assert not queue.submit_later(written=lambda: told.append("late"))
    assert told == ["a", "all"]
    assert not [x for x in lines if x["event"] == "writes_lost"]
    await engine.dispose()
