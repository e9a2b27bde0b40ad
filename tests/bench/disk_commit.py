"""One commit of SQLite on this disk: no create can be faster."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

_DOCUMENT = "x" * 1_500  # as long as that of a call
_PAUSE_S = 0.003  # so that each is as cold as that of a single call


def commits_ms(folder: Path, count: int) -> list[float]:
    """How long each took, with the settings of the service: a write-ahead log, synchronous FULL."""
    took = []
    with contextlib.closing(sqlite3.connect(folder / "commit.db", isolation_level=None)) as disk:
        disk.execute("PRAGMA journal_mode = WAL")
        disk.execute("PRAGMA synchronous = FULL")
        disk.execute("CREATE TABLE IF NOT EXISTS calls (id INTEGER PRIMARY KEY, document TEXT)")
        for _ in range(count):
            time.sleep(_PAUSE_S)  # a single call finds everything as cold
            began = time.perf_counter()
            disk.execute("BEGIN IMMEDIATE")
            disk.execute("INSERT INTO calls (document) VALUES (?)", (_DOCUMENT,))
            disk.execute("COMMIT")
            took.append((time.perf_counter() - began) * 1000)
    return took
