from __future__ import annotations

import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from bridge.faults import StorageUnavailable
from bridge.storage.engine import address_of, connect_sqlite_writer, open_engine, reading


def test_file_and_folder_are_private(tmp_path: Path) -> None:
    open_engine(f"sqlite+aiosqlite:///{tmp_path}/new/folder/bridge.db")
    assert stat.S_IMODE((tmp_path / "new/folder").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "new/folder/bridge.db").stat().st_mode) == 0o600


def test_the_log_beside_the_file_is_private_too(tmp_path: Path) -> None:
    path = tmp_path / "bridge.db"
    path.touch(0o644)
    engine = open_engine(f"sqlite+aiosqlite:///{path}")
    writer = connect_sqlite_writer(engine)
    writer.execute("CREATE TABLE t (a)")
    for suffix in ("", "-wal", "-shm"):
        assert stat.S_IMODE(path.with_name(path.name + suffix).stat().st_mode) == 0o600
    writer.close()


@pytest.mark.parametrize(("asked", "is_now"), [("NORMAL", 1), ("FULL", 2), ("EXTRA", 3)])
def test_synchronous(tmp_path: Path, asked: str, is_now: int) -> None:
    engine = open_engine(
        f"sqlite+aiosqlite:///{tmp_path}/a.db",
        sqlite_synchronous=asked,  # type: ignore[arg-type]
    )
    writer = connect_sqlite_writer(engine)
    assert writer.execute("PRAGMA synchronous").fetchone() == (is_now,)
    assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert writer.execute("PRAGMA foreign_keys").fetchone() == (1,)
    writer.close()


def test_a_new_file_that_another_process_is_making(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite+aiosqlite:///{tmp_path}/a.db")
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")  # SQLite does not wait for this one by itself
    done = threading.Timer(0.2, other.execute, ["COMMIT"])
    done.start()
    writer = connect_sqlite_writer(engine)
    assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    done.join()
    other.close()
    writer.close()


def test_a_new_file_that_stays_locked(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite+aiosqlite:///{tmp_path}/a.db", sqlite_busy_timeout_ms=50)
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        connect_sqlite_writer(engine)
    other.close()


async def test_sqlite_reads_cannot_write(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    with pytest.raises(StorageUnavailable, match="readonly"):
        async with reading(engine) as connection:
            await connection.execute(text("CREATE TABLE t (a INTEGER)"))
    await engine.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://h/d",
        "sqlite:///x.db",
        "postgresql://h/d",
        "sqlite+aiosqlite://",
        "sqlite+aiosqlite:///:memory:",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"(?i)sqlite"):
        open_engine(url)


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "bridge.db"
    path.write_text("not a database, but long enough to be looked at by SQLite" * 20)
    engine = open_engine(f"sqlite+aiosqlite:///{path}")
    with pytest.raises(StorageUnavailable):
        async with reading(engine):
            pass
    with pytest.raises(sqlite3.DatabaseError):
        connect_sqlite_writer(engine)
    await engine.dispose()


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("postgresql+asyncpg://u:s3cret@db.example:5433/x", "PostgreSQL db.example:5433/x"),
        ("postgresql+asyncpg://u:s3cret@[::1]/x", "PostgreSQL [::1]:5432/x"),
        ("postgresql+asyncpg://u@/x?host=/run/pg", "PostgreSQL /run/pg/x"),
    ],
)
async def test_the_address_of_a_database_tells_no_secret(url: str, address: str) -> None:
    assert address_of(open_engine(url)) == address
