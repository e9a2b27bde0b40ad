"""The service's database, read from outside."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from bridge.testing.eventually import eventually
from bridge.testing.lab.running_lab import RunningLab


@runtime_checkable
class KeepsElsewhere(Protocol):
    """A lab whose database is not the file of its service."""

    def rows(self, query: str, call_id: str) -> Sequence[Sequence[Any]]:
        """What the database answers; `query` has one `?`."""


def rows_of(lab: RunningLab, query: str, call_id: str) -> Sequence[Sequence[Any]]:
    if isinstance(lab, KeepsElsewhere):
        return lab.rows(query, call_id)
    path = lab.bridge.state_dir / "bridge.db"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        return database.execute(query, (call_id,)).fetchall()


async def wait_on_disk(lab: RunningLab, call_id: str, *, answered: bool = False) -> None:
    """Until the call has its row, or that its answer: both are shown a moment before."""
    query = "SELECT id FROM calls WHERE id = ?"
    if answered:
        query += " AND answered_ms IS NOT NULL"
    await eventually(lambda: bool(rows_of(lab, query, call_id)))


async def wait_kept(lab: RunningLab, call_id: str, wanted: Callable[[Any], bool]) -> None:
    """Until the call is on disk as `wanted`, which gets its legs."""

    def kept() -> bool:
        rows = rows_of(lab, "SELECT document FROM calls WHERE id = ?", call_id)
        return bool(rows) and wanted(json.loads(rows[0][0])["legs"])

    await eventually(kept)


def final_records(lab: RunningLab, call_id: str) -> list[Any]:
    """The final record of every row of that call: there must be one row, and it must have one."""
    query = "SELECT document FROM calls WHERE id = ? AND ended_ms IS NOT NULL"
    return [json.loads(x[0])["final"] for x in rows_of(lab, query, call_id)]


def ends_logged(lab: RunningLab, call_id: str) -> int:
    """How often the service, over all its runs, said that the call ended."""
    lines = lab.bridge.log_lines()
    return sum(x["event"] == "call_ended" and x["call_id"] == call_id for x in lines)


def assert_ended_once(lab: RunningLab, call_id: str) -> None:
    assert len(final_records(lab, call_id)) == 1
    assert ends_logged(lab, call_id) == 1
