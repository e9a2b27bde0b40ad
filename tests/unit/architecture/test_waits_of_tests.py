"""A test waits for a condition (bridge/testing/eventually.py), or says why for a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
FOLDERS = (ROOT / "tests", ROOT / "bridge" / "testing")
_WAITS = re.compile(r"\b(asyncio|time)\.sleep\(")
_IN_VIRTUAL_TIME = re.compile(
    r"^(from tests\.lab\.instant_time import|\"\"\"Tests whose waiting)", re.M
)


def unexplained(lines: list[str]) -> Iterator[int]:
    """The numbers of the lines that sleep without a comment there or just before."""
    for number, line in enumerate(lines, 1):
        before = lines[number - 2].strip() if number > 1 else ""
        if not _WAITS.search(line) or "asyncio.sleep(0)" in line:
            continue
        if "  # " not in line and not before.startswith("# "):
            yield number


def test_every_real_wait_says_why() -> None:
    """A wait of virtual time costs nothing, and one of no time is a round of the event loop."""
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for folder in FOLDERS
        for file in folder.rglob("*.py")
        if file != Path(__file__) and not _IN_VIRTUAL_TIME.search(text := file.read_text("utf-8"))
        for number in unexplained(text.splitlines())
    ]
    assert found == []


def test_a_wait_without_a_reason_is_found() -> None:
    assert list(unexplained(["x", "await asyncio.sleep(1)"])) == [2]
    assert list(unexplained(["await asyncio.sleep(0)", "time.sleep(0.1)"])) == [2]
    assert list(unexplained(["# why", "asyncio.sleep(1)", "asyncio.sleep(2)  # y"])) == []
