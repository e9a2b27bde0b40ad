"""Tests that documents name as guards are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .test_links import ROOT

_NAMED = re.compile(r"(tests/[\w/]+\.py)(?:::(test_\w+))?")
_PRIVATE_APIS = "tests/unit/test_private_library_apis.py"


@pytest.mark.parametrize(
    "document",
    [
        "docs/threat-model.md",
        "docs/architecture.md",
        "docs/reference/errors.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        *(str(x.relative_to(ROOT)) for x in sorted((ROOT / "docs" / "decisions").glob("*.md"))),
    ],
)
def test_given_a_test_named_in_a_document_when_looked_for_then_it_is_there(document: str) -> None:
    lost = [
        f"{file}::{test}"
        for file, test in _NAMED.findall((ROOT / document).read_text())
        if not _is_there(ROOT / file, test)
    ]
    assert lost == []


def test_given_a_row_of_the_threat_model_when_read_then_it_names_a_test() -> None:
    rows = [
        x
        for x in (ROOT / "docs/threat-model.md").read_text().splitlines()
        if x.startswith("| ") and not x.startswith("| can try")
    ]
    assert len(rows) > 20
    assert [x for x in rows if not _NAMED.search(x.rpartition("| ")[2])] == []


def test_given_a_private_api_in_the_architecture_when_looked_for_then_its_test_is_there() -> None:
    named = re.findall(r"`(test_\w+)`", (ROOT / "docs/architecture.md").read_text())
    assert named
    assert [x for x in named if not _is_there(ROOT / _PRIVATE_APIS, x)] == []


def _is_there(file: Path, test: str) -> bool:
    return file.is_file() and (not test or f"def {test}(" in file.read_text())
