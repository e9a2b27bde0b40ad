"""Each line of docs/cluster-faults.md names a test that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "cluster-faults.md"
TABLE = PAGE.read_text().partition("\n## ")[0]
LINES = re.findall(r"^\| .* \| `([\w/]+\.py)` \| `(\w+)` \|$", TABLE, re.M)


def test_given_the_page_then_every_line_of_its_table_is_read() -> None:
    rows = [x for x in TABLE.splitlines() if x.startswith("| ")]
    assert len(LINES) == len(rows) - 1  # without the heading


@pytest.mark.parametrize(("file", "word"), LINES)
def test_given_a_fault_of_the_page_then_its_file_has_such_a_test(file: str, word: str) -> None:
    names = re.findall(r"^(?:async )?def (test_\w+)", (ROOT / "tests" / file).read_text(), re.M)
    assert any(word in x for x in names)
