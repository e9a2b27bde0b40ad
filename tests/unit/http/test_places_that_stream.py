"""Every answer in pieces goes through bridge/http/streaming.py, which breaks it off on a fault."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_every_answer_that_is_prepared_by_hand_begins_in_streaming() -> None:
    found = set()
    for file in (ROOT / "bridge").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in ("prepare", "write_eof"):
                found.add(str(file.relative_to(ROOT)))
    assert found == {"bridge/http/streaming.py"}
