"""A test waits for a condition (tests/scripted_ami/eventually.py), or says why for a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[2]


def unexplained(lines: list[str]) -> Iterator[int]:
    """The numbers of the lines that sleep without a comment there or just before."""
    for number, line in enumerate(lines, 1):
        before = lines[number - 2].strip() if number > 1 else ""
        if "asyncio.sleep(" in line and "  # " not in line and not before.startswith("# "):
            yield number


def test_every_real_wait_says_why() -> None:
    """In tests/unit time is virtual, or a wait is one round of the event loop."""
    found = [
        f"{file.relative_to(TESTS)}:{number}"
        for file in TESTS.rglob("*.py")
        if not file.is_relative_to(TESTS / "unit") and file.name != "instant_time.py"
        for number in unexplained(file.read_text(encoding="utf-8").splitlines())
    ]
    assert found == []


def test_a_wait_without_a_reason_is_found() -> None:
    assert list(unexplained(["x", "await asyncio.sleep(1)"])) == [2]
    assert list(unexplained(["# why", "asyncio.sleep(1)", "asyncio.sleep(2)  # y"])) == []
