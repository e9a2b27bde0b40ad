"""A batch that the database refuses: whose writes are written, refused, or tried again later."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from bridge.faults import StorageUnavailable, TransactionConflict
from bridge.storage import batch_commit
from bridge.storage.batch_commit import BatchCommit
from bridge.storage.database_writer import Committed
from bridge.storage.engine import open_engine
from bridge.storage.fence import Fence
from bridge.storage.migrate import waiting_may_cure
from bridge.storage.purge import purge_each
from bridge.storage.statement import Counts, Group, Statement
from bridge.storage.waiting_group import WaitingGroup

INSERT = Statement("INSERT INTO t (a) VALUES (:a)")
CONFLICT = TransactionConflict("could not serialize access")
DOWN = StorageUnavailable("connection refused")


class FakeWriter:
    """`faults`: what each write is answered with, by its value; the last one stays."""

    def __init__(self, **faults: list[Exception | None]) -> None:
        self.faults = faults
        self.written: list[str] = []
        self.commits: list[int] = []

    async def commit(
        self, groups: Sequence[Group], _: Sequence[Fence], committed: Committed
    ) -> list[Counts]:
        self.commits.append(len(groups))
        values = [str(group[0].params[0]) for group in groups]
        for value in values:
            of_value = self.faults.get(value, [None])
            fault = of_value.pop(0) if len(of_value) > 1 else of_value[0]
            if fault is not None:
                raise fault
        self.written += values
        counts: list[Counts] = [(1,) for _ in groups]
        committed(counts)
        return counts

    async def close(self) -> None:
        pass


def committing(
    monkeypatch: pytest.MonkeyPatch, folder: Path, **faults: list[Exception | None]
) -> tuple[BatchCommit, FakeWriter]:
    writer = FakeWriter(**faults)
    monkeypatch.setattr(batch_commit, "batch_writer", lambda _: writer)
    return BatchCommit(open_engine(f"sqlite+aiosqlite:///{folder}/x.sqlite")), writer


def waiting(value: str) -> WaitingGroup:
    return WaitingGroup((INSERT.write(a=value),), asyncio.get_running_loop().create_future())


async def outcome(group: WaitingGroup) -> Counts | Exception:
    assert group.answer is not None
    [found] = await asyncio.gather(group.answer, return_exceptions=True)
    assert not isinstance(found, BaseException) or isinstance(found, Exception)
    return found


async def test_given_one_wrong_group_then_only_it_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wrong = ValueError("too long")
    commit, writer = committing(monkeypatch, tmp_path, b=[wrong])
    lost = WaitingGroup((INSERT.write(a="b"),))
    batch = [waiting("a"), waiting("b"), lost, waiting("c")]
    with capture_logs() as lines:
        assert await commit.write(batch) == []
    assert writer.written == ["a", "c"]
    assert [await outcome(batch[x]) for x in (0, 1, 3)] == [(1,), wrong, (1,)]
    assert [(x["event"], x["statements"]) for x in lines] == [("writes_lost", [INSERT.sqlite])]
    assert commit.problem == ""


async def test_given_others_in_the_way_then_each_group_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commit, writer = committing(monkeypatch, tmp_path, b=[CONFLICT, CONFLICT, CONFLICT, None])
    batch = [waiting("a"), waiting("b")]
    assert await commit.write(batch) == []
    assert writer.written == ["a", "b"]
    assert writer.commits == [2, 1, 1, 1, 1]
    assert [await outcome(x) for x in batch] == [(1,), (1,)]


async def test_given_others_in_the_way_again_and_again_then_the_rest_waits_or_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commit, writer = committing(monkeypatch, tmp_path, b=[CONFLICT])
    later = WaitingGroup((INSERT.write(a="c"),))
    batch = [waiting("a"), waiting("b"), later, waiting("d")]
    assert await commit.write(batch) == [later]
    assert writer.written == ["a"]
    assert await outcome(batch[0]) == (1,)
    for refused in (batch[1], batch[3]):
        fault = await outcome(refused)
        assert isinstance(fault, StorageUnavailable)
        assert not fault.outcome_unknown
    assert "again and again" in commit.problem


async def test_given_a_database_that_goes_in_between_then_what_is_written_stays_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commit, writer = committing(monkeypatch, tmp_path, b=[ValueError("x"), DOWN])
    later = WaitingGroup((INSERT.write(a="c"),))
    batch = [waiting("a"), waiting("b"), later]
    assert await commit.write(batch) == [later]
    assert writer.written == ["a"]
    assert await outcome(batch[0]) == (1,)
    assert isinstance(await outcome(batch[1]), StorageUnavailable)
    assert commit.problem == "connection refused"
    assert await commit.write([waiting("d")]) == []
    assert commit.problem == ""


async def test_given_a_caller_that_fails_when_told_then_the_others_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail() -> None:
        raise ValueError("of the caller")

    commit, _ = committing(monkeypatch, tmp_path)
    batch = [WaitingGroup((INSERT.write(a="a"),), written=fail), waiting("b")]
    with capture_logs() as lines:
        assert await commit.write(batch) == []
    assert [x["event"] for x in lines] == ["written_callback_failed"]
    assert await outcome(batch[1]) == (1,)


async def test_a_purge_that_cannot_be_done_leaves_out_none_of_the_others() -> None:
    done = []

    async def down() -> None:
        raise DOWN

    async def broken() -> None:
        raise ValueError("x")

    async def works() -> None:
        done.append("works")

    with capture_logs() as lines:
        await purge_each({"tokens": down, "calls": broken, "events": works})
    assert done == ["works"]
    assert [(x["event"], x["work"]) for x in lines] == [
        ("purge_put_off", "tokens"),
        ("purge_failed", "calls"),
    ]


def of_sqlite(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("x")
    error.sqlite_errorcode = code
    return error


class OfServer(Exception):
    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (of_sqlite(sqlite3.SQLITE_BUSY), True),
        (of_sqlite(sqlite3.SQLITE_FULL), True),
        (of_sqlite(sqlite3.SQLITE_IOERR_FSYNC), True),
        (of_sqlite(sqlite3.SQLITE_NOTADB), False),
        (of_sqlite(sqlite3.SQLITE_READONLY), False),
        (OperationalError("x", None, of_sqlite(sqlite3.SQLITE_LOCKED)), True),
        (OperationalError("x", None, OfServer("28P01")), False),  # wrong password
        (OfServer("57P03"), True),  # it starts
        (OfServer("53300"), True),  # too many connections
        (OfServer("3D000"), False),  # no such database
        (OfServer("42501"), False),  # a right is missing
        (ConnectionRefusedError(), True),
        (ValueError("x"), False),
    ],
)
def test_only_what_passes_by_itself_is_waited_for(error: Exception, passes: bool) -> None:
    assert waiting_may_cure(error) is passes


def test_a_statement_has_each_parameter_once_and_gets_all_of_them() -> None:
    with pytest.raises(ValueError, match="occurs twice"):
        Statement("UPDATE t SET a = :a WHERE a = :a")
    with pytest.raises(TypeError, match="takes"):
        INSERT.write(a=1, b=2)
    with pytest.raises(KeyError):
        INSERT.write(b=2)
