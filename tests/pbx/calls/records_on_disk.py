"""The service's database file, read from outside."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any

from bridge.testing.eventually import eventually
from bridge.testing.lab.running_lab import RunningLab


async def wait_on_disk(lab: RunningLab, call_id: str, *, answered: bool = False) -> None:
    """Until the call has its row, or that its answer: both are shown a moment before."""
    path = lab.bridge.state_dir / "bridge.db"

    def written() -> bool:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            query = "SELECT count(*) FROM calls WHERE id = ?"
            if answered:
                query += " AND answered_ms IS NOT NULL"
            return bool(database.execute(query, (call_id,)).fetchone()[0])

    await eventually(written)


async def wait_kept(lab: RunningLab, call_id: str, wanted: Callable[[Any], bool]) -> None:
    """Until the call is on disk as `wanted`, which gets its legs."""
    path = lab.bridge.state_dir / "bridge.db"

    def kept() -> bool:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            query = "SELECT document FROM calls WHERE id = ?"
            row = database.execute(query, (call_id,)).fetchone()
        return row is not None and wanted(json.loads(row[0])["legs"])

    await eventually(kept)


def final_records(lab: RunningLab, call_id: str) -> list[Any]:
    """The final record of every row of that call: there must be one row, and it must have one."""
    path = lab.bridge.state_dir / "bridge.db"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        rows = database.execute(
            "SELECT document FROM calls WHERE id = ? AND ended_ms IS NOT NULL", (call_id,)
        ).fetchall()
    return [json.loads(x)["final"] for (x,) in rows]


def ends_logged(lab: RunningLab, call_id: str) -> int:
    """How often the service, over all its runs, said that the call ended."""
    lines = lab.bridge.log_lines()
    return sum(x["event"] == "call_ended" and x["call_id"] == call_id for x in lines)


def assert_ended_once(lab: RunningLab, call_id: str) -> None:
    assert len(final_records(lab, call_id)) == 1
    assert ends_logged(lab, call_id) == 1
