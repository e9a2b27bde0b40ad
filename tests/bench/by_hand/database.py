"""SQLite: what is written in the same moment shares a commit."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import sqlite3
import threading
from typing import Any

log = logging.getLogger("by_hand")

_TABLE = """
CREATE TABLE IF NOT EXISTS calls (
    id TEXT PRIMARY KEY, source TEXT NOT NULL, destination TEXT NOT NULL, caller_id TEXT NOT NULL,
    accepted_ms INTEGER NOT NULL, answered_ms INTEGER, ended_ms INTEGER, status TEXT, cause INTEGER,
    ended_by TEXT
)"""
_LIVE = "SELECT id, source, destination, caller_id FROM calls WHERE ended_ms IS NULL"


class Database:
    """One thread that writes. All that waits when it is free goes into its next transaction."""

    def __init__(self, path: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._path = path
        self._waiting: queue.SimpleQueue[tuple[str, tuple[Any, ...], Any] | None] = (
            queue.SimpleQueue()
        )
        with contextlib.closing(self._connect()) as connection:
            connection.execute(_TABLE)
            self.live = connection.execute(_LIVE).fetchall()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    async def write(self, statement: str, *values: Any) -> None:
        """It is on disk when this returns."""
        written = self._loop.create_future()
        self._waiting.put((statement, values, written))
        await written

    def write_later(self, statement: str, *values: Any) -> None:
        self._waiting.put((statement, values, None))

    def close(self) -> None:
        self._waiting.put(None)
        self._thread.join()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _run(self) -> None:
        connection = self._connect()
        while True:
            group = [self._waiting.get()]
            while not self._waiting.empty():
                group.append(self._waiting.get())
            writes = [x for x in group if x is not None]
            fault: Exception | None = None
            try:
                connection.execute("BEGIN")
                for statement, values, _ in writes:
                    connection.execute(statement, values)
                connection.execute("COMMIT")
            except sqlite3.Error as why:
                fault = why
                log.exception("not stored")
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            told = [x for _, _, x in writes if x is not None]
            if told:
                self._loop.call_soon_threadsafe(_tell, told, fault)
            if len(writes) < len(group):
                connection.close()
                return


def _tell(futures: list[asyncio.Future[None]], fault: Exception | None) -> None:
    for future in futures:
        if future.done():
            continue
        if fault is None:
            future.set_result(None)
        else:
            future.set_exception(fault)
