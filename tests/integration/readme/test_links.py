"""Every link of the documents into the repository leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "asterisk-conf" / "README.md",
    ROOT / "SECURITY.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_given_a_document_when_its_links_are_followed_then_the_files_are_there(
    document: Path,
) -> None:
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.M | re.S)  # no code
    links = re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", text)
    broken = [
        f"{file}#{anchor}"
        for file, anchor in links
        if "://" not in file and not _leads_somewhere(document, file, anchor)
    ]
    assert broken == []


def _leads_somewhere(document: Path, file: str, anchor: str) -> bool:
    target = document.parent / file if file else document
    if not target.exists():
        return False
    return not anchor or target.suffix != ".md" or anchor in _anchors(target)


def _anchors(document: Path) -> set[str]:
    """Those of its headings, as the usual viewers make them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", x.lower()).strip().replace(" ", "-") for x in headings}
