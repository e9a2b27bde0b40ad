"""The order in which the workers of a test run take files."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.order_of_files import LONG_FILES, put_long_files_first

TESTS = Path(__file__).parents[1]


def test_a_long_file_comes_first_then_those_with_many_tests() -> None:
    def item(name: str, number: int) -> Any:
        return SimpleNamespace(path=TESTS / name, number=number)

    items = [
        item("test_a.py", 1),
        *(item("test_many.py", x) for x in (3, 2)),
        item("pbx/http/test_schemathesis.py", 4),
    ]
    put_long_files_first(items)
    assert [(x.path.name, x.number) for x in items] == [
        ("test_schemathesis.py", 4),
        ("test_many.py", 3),
        ("test_many.py", 2),
        ("test_a.py", 1),
    ]


def test_each_long_file_is_there() -> None:
    assert {x.name for x in TESTS.rglob("test_*.py")} >= LONG_FILES
