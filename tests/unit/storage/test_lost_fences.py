"""A batch in which some groups were submitted under a lease that another instance has taken."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge.faults import Fenced, StorageUnavailable
from bridge.storage import batch_commit
from bridge.storage.batch_commit import BatchCommit
from bridge.storage.database_writer import Committed
from bridge.storage.engine import open_engine
from bridge.storage.fence import Fence, FencesLost
from bridge.storage.statement import Counts, Group, Statement
from bridge.storage.waiting_group import WaitingGroup

INSERT = Statement("INSERT INTO t (a) VALUES (:a)")
A, B = Fence("pbx:a", 3, "me"), Fence("pbx:b", 8, "me")


class FakeWriter:
    """`lost`: the fences whose leases have another epoch. A group of the value `wrong` fails."""

    def __init__(self, *lost: Fence) -> None:
        self.lost = set(lost)
        self.written: list[str] = []
        self.locked: list[tuple[Fence, ...]] = []

    async def commit(
        self, groups: Sequence[Group], fences: Sequence[Fence], committed: Committed
    ) -> list[Counts]:
        self.locked.append(tuple(fences))
        if lost := self.lost.intersection(fences):
            raise FencesLost(lost)
        values = [str(group[0].params[0]) for group in groups]
        if "wrong" in values:
            raise ValueError("wrong")
        self.written += values
        counts: list[Counts] = [(1,) for _ in groups]
        committed(counts)
        return counts

    async def close(self) -> None:
        pass


class Bed:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, *lost: Fence) -> None:
        self.writer = FakeWriter(*lost)
        self.told: list[Fence] = []
        monkeypatch.setattr(batch_commit, "batch_writer", lambda _: self.writer)
        engine = open_engine(f"sqlite+aiosqlite:///{folder}/x.sqlite")
        self.commit = BatchCommit(engine, self.told.append)


def group(value: str, fence: Fence | None = None, *, waits: bool = True) -> WaitingGroup:
    answer = asyncio.get_running_loop().create_future() if waits else None
    return WaitingGroup((INSERT.write(a=value),), answer, fence=fence)


async def outcomes(*groups: WaitingGroup) -> list[object]:
    answers = [x.answer for x in groups if x.answer is not None]
    return await asyncio.gather(*answers, return_exceptions=True)


async def test_given_two_fences_and_none_then_each_is_locked_once_in_one_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bed = Bed(monkeypatch, tmp_path)
    batch = [group("1", B), group("2"), group("3", A), group("4", B)]
    assert await bed.commit.write(batch) == []
    assert bed.writer.locked == [(A, B)]
    assert bed.writer.written == ["1", "2", "3", "4"]
    assert bed.told == []


async def test_given_a_lost_fence_then_only_its_groups_are_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bed = Bed(monkeypatch, tmp_path, A)
    batch = [group("1", A), group("2"), group("3", B), group("4", A, waits=False), group("5", A)]
    with capture_logs() as lines:
        assert await bed.commit.write(batch) == []
    assert bed.writer.written == ["2", "3"]
    first, second, third, last = await outcomes(*batch)
    assert (second, third) == ((1,), (1,))
    assert isinstance(first, Fenced)
    assert isinstance(last, Fenced)
    assert first is not last  # raised twice, one would collect both tracebacks
    assert not isinstance(first, StorageUnavailable)
    assert "pbx:a" in str(first)
    [line] = lines
    assert line == {
        "event": "writes_of_lost_lease_dropped",
        "log_level": "warning",
        "resource": "pbx:a",
        "epoch": 3,
        "groups": 1,
    }
    await asyncio.sleep(0)
    assert bed.told == [A]


async def test_given_a_lost_fence_in_batch_after_batch_then_it_is_told_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bed = Bed(monkeypatch, tmp_path, A, B)
    for number in range(3):
        await bed.commit.write([group(f"{number}", A, waits=False), group("x", B, waits=False)])
    await asyncio.sleep(0)
    assert sorted(bed.told) == [A, B]
    assert bed.writer.written == []


async def test_given_a_wrong_group_beside_a_lost_fence_then_each_group_has_its_own_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bed = Bed(monkeypatch, tmp_path)
    batch = [group("1", B), group("wrong"), group("2", A), group("3")]
    commit = bed.writer.commit

    async def taken_over_after_the_first(
        groups: Sequence[Group], fences: Sequence[Fence], committed: Committed
    ) -> list[Counts]:
        try:
            return await commit(groups, fences, committed)
        finally:
            bed.writer.lost = {A}

    monkeypatch.setattr(bed.writer, "commit", taken_over_after_the_first)
    assert await bed.commit.write(batch) == []
    assert bed.writer.written == ["1", "3"]
    assert bed.writer.locked == [(A, B), (B,), (), (A,), ()]
    found = await outcomes(*batch)
    assert [type(x) for x in found] == [tuple, ValueError, Fenced, tuple]
    await asyncio.sleep(0)
    assert bed.told == [A]
