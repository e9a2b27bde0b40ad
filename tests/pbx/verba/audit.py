"""The audit log as it is in the service's database."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from bridge.testing.eventually import eventually


class Audit:
    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "bridge.db"

    def lines(self, conversation_id: str) -> list[dict[str, object]]:
        return self._rows(
            "SELECT * FROM conversation_deletions WHERE conversation_id = ?", conversation_id
        )

    def record(self, conversation_id: str) -> list[dict[str, object]]:
        return self._rows("SELECT * FROM conversations WHERE id = ?", conversation_id)

    def call_of(self, phone_call_id: str) -> list[dict[str, object]]:
        return self._rows(
            "SELECT * FROM conversation_deletions WHERE phone_call_id = ?", phone_call_id
        )

    def conversations(self) -> set[str]:
        return {str(x["id"]) for x in self._rows("SELECT id FROM conversations")}

    async def wait_removed(self, conversation_id: str) -> dict[str, object]:
        """Until the record is gone; its one audit line, which says so."""
        await eventually(
            lambda: not self.record(conversation_id),
            timeout=30,
            why=lambda: self.record(conversation_id),
        )
        [line] = self.lines(conversation_id)
        assert line["result"] == "deleted"
        assert line["done_ms"] is not None
        return line

    def _rows(self, query: str, *values: str) -> list[dict[str, object]]:
        connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=5)
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(query, values)]
        finally:
            connection.close()
