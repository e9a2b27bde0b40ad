"""What the holder of a lease writes while it may act, may not, and is the holder anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge.faults import Fenced
from bridge.storage.engine import open_engine
from bridge.storage.fence import Fence
from bridge.storage.fenced_writes import FencedWrites
from bridge.storage.statement import Counts, Statement, Write
from bridge.storage.write_queue import WriteQueue

WRITE = Statement("UPDATE t SET a = :a").write(a="x")
MINE = Fence("pbx:a", 3, "me")


class FakeQueue(WriteQueue):
    """Notes what is submitted, and under which fence."""

    def __init__(self, folder: Path) -> None:
        super().__init__(open_engine(f"sqlite+aiosqlite:///{folder}/x.sqlite"))
        self.fences: list[Fence | None] = []
        self.keys: list[object] = []

    async def submit(
        self, *writes: Write, within_s: float | None = None, fence: Fence | None = None
    ) -> Counts:
        self.fences.append(fence)
        return tuple(1 for _ in writes)

    def submit_later(
        self,
        *_: Write,
        key: object = None,
        final: bool = False,
        written: object = None,
        fence: Fence | None = None,
    ) -> bool:
        self.fences.append(fence)
        self.keys.append(key)
        return True


@pytest.fixture
async def queue(tmp_path: Path) -> FakeQueue:
    return FakeQueue(tmp_path)


async def test_given_the_lease_then_all_is_written_under_it(queue: FakeQueue) -> None:
    writes = FencedWrites(queue, lambda: MINE)
    assert await writes.submit(WRITE) == (1,)
    assert writes.submit_later(WRITE, key="call")
    assert queue.fences == [MINE, MINE]


async def test_given_no_time_left_then_nothing_new_is_accepted_and_what_happened_is_kept(
    queue: FakeQueue,
) -> None:
    held: list[Fence | None] = [MINE]
    writes = FencedWrites(queue, lambda: held[0])
    held[0] = None
    with pytest.raises(Fenced, match="pbx:a"):
        await writes.submit(WRITE)
    assert writes.submit_later(WRITE)
    assert queue.fences == [MINE]  # the database says whether it still holds
    held[0] = MINE
    assert await writes.submit(WRITE) == (1,)


async def test_given_the_same_resource_won_again_then_parts_of_the_first_turn_stay_fenced(
    queue: FakeQueue,
) -> None:
    held = [MINE]
    before = FencedWrites(queue, lambda: held[0])
    held[0] = Fence("pbx:a", 5, "me")
    now = FencedWrites(queue, lambda: held[0])
    with pytest.raises(Fenced):
        await before.submit(WRITE)
    assert before.submit_later(WRITE, key="call")
    assert now.submit_later(WRITE, key="call")
    assert queue.fences == [MINE, Fence("pbx:a", 5, "me")]
    assert queue.keys[0] != queue.keys[1]  # neither makes the other needless


async def test_given_no_lease_ever_then_nothing_is_written_and_the_loss_is_logged(
    queue: FakeQueue,
) -> None:
    writes = FencedWrites(queue, lambda: None)
    with pytest.raises(Fenced):
        await writes.submit(WRITE)
    with capture_logs() as lines:
        assert not writes.submit_later(WRITE)
        assert not writes.submit_later()  # nothing is lost with it
    assert [x["event"] for x in lines] == ["writes_lost"]
    assert queue.fences == []
