"""docs/architecture.md and its picture tell what is there."""

from __future__ import annotations

import re

import pytest

from .picture import ROOT, SVG, arrows, drawn, floors

_PATH = re.compile(r"(?<![\w/.])(?:bridge|docs|tests)/[A-Za-z0-9_/.*-]*[A-Za-z0-9_/]")
_TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_the_picture_is_current() -> None:
    fresh = SVG.read_text(encoding="utf-8") == drawn()
    assert fresh, "run: python -m tests.unit.architecture.picture"


def test_every_arrow_of_the_picture_goes_down() -> None:
    level = {room: at for at, floor in enumerate(floors()) for room in floor}
    assert len(arrows()) > 30
    assert [(a, b) for a, b in arrows() if level[a] >= level[b]] == []


@pytest.mark.parametrize("path", sorted(set(_PATH.findall(_TEXT))))
def test_each_path_in_the_page_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_each_room_is_explained() -> None:
    explained = set(re.findall(r"^\| `([a-z_]+)(?:/|\.py)`", _TEXT, re.MULTILINE))
    assert explained == {room for floor in floors() for room in floor}


def test_each_word_of_the_glossary_has_one_meaning() -> None:
    glossary = _TEXT.partition("## Glossary")[2].partition("\n## ")[0]
    words = re.findall(r"^\| \*\*(.+?)\*\* \|", glossary, re.MULTILINE)
    assert len(words) > 15
    assert words == sorted(set(words), key=str.lower)
