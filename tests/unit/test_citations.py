"""What a comment cites is in this repository: the document, and the paragraph of it.

A paragraph is cited as `docs/reference/NAME.md §7`; several as `§7, §11` or `§3.1 and §11`.
A paragraph of an RFC stands behind the number of that RFC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CITING = [
    file
    for folder, kinds in {
        "bridge": (".py", ".mako", ".yaml"),
        "tests": (".py", ".xml", ".sh"),
        "asterisk-conf": (".conf", ".sh", ".yml"),
    }.items()
    for file in sorted((ROOT / folder).rglob("*"))
    if file.suffix in kinds and file != Path(__file__)
]
# A bare name between quotation marks is a path that code puts together.
_DOCUMENT = re.compile(r"(?<![\w/.%*-])((?:[\w-]+/)*[\w-]+\.md)\b(?![\w\"'])")
_NUMBER = r"§\d+(?:\.\d+)*"
_PARAGRAPHS = re.compile(rf"{_NUMBER}(?:(?:, | and ){_NUMBER})*")
_HEADING = re.compile(r"^#+ (§\d+(?:\.\d+)*) ", re.M)
REFERENCES = [
    file
    for file in sorted((ROOT / "docs" / "reference").glob("*.md"))
    if _HEADING.search(file.read_text())
]
_RFC = re.compile(r"RFC \d+,? $")
_OF_A_DOCUMENT = re.compile(r"(docs/reference/[\w-]+\.md) $")
_ELSEWHERE = re.compile(r"\bspec/\d+")


def faults_of(text: str, folder: Path) -> Iterator[str]:
    """Each citation in `text` that leads nowhere. `folder` is where the citing file is."""
    text = re.sub(r"\s*\n\s*(?:[#;]+ ?)?", " ", text)  # citations go over the end of a line
    for document in _DOCUMENT.findall(text):
        if not (ROOT / document).is_file() and not _is_beside(document, folder):
            yield f"{document} is not in this repository"
    for found in _PARAGRAPHS.finditer(text):
        before = text[: found.start()]
        if _RFC.search(before):
            continue
        document = _OF_A_DOCUMENT.search(before)
        if document is None:
            yield f"{found[0]} is of no document in docs/reference"
        elif (ROOT / document[1]).is_file():
            lost = set(re.findall(_NUMBER, found[0])) - paragraphs(ROOT / document[1])
            yield from (f"{document[1]} has no {number}" for number in sorted(lost))
    yield from (f"{found} is not in this repository" for found in _ELSEWHERE.findall(text))


def paragraphs(document: Path) -> set[str]:
    return set(_HEADING.findall(document.read_text()))


def _is_beside(document: str, folder: Path) -> bool:
    """The README of a folder that holds the file."""
    near = [x for x in (folder, *folder.parents) if x.is_relative_to(ROOT)]
    return document == "README.md" and any((x / document).is_file() for x in near)


def test_given_a_comment_when_its_citations_are_followed_then_each_leads_somewhere() -> None:
    faults = [
        f"{file.relative_to(ROOT)}: {fault}"
        for file in CITING
        for fault in faults_of(file.read_text(errors="replace"), file.parent)
    ]
    assert len(CITING) > 100
    assert faults == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("(uapi.md §7)", "uapi.md is not in this repository"),
        ("(docs/reference/none.md §7)", "docs/reference/none.md is not in this repository"),
        ("(docs/reference/uapi.md §99)", "docs/reference/uapi.md has no §99"),
        ("(docs/reference/uapi.md §7, §99.1)", "docs/reference/uapi.md has no §99.1"),
        ("docs/reference/uapi.md\n    # §98 says", "docs/reference/uapi.md has no §98"),
        ("the specification, §3", "§3 is of no document in docs/reference"),
        ("the table of spec/003", "spec/003 is not in this repository"),
    ],
)
def test_given_a_citation_that_leads_nowhere_when_looked_for_then_it_is_found(
    text: str, fault: str
) -> None:
    assert fault in list(faults_of(text, ROOT / "bridge" / "http"))


@pytest.mark.parametrize(
    "text",
    [
        "(docs/reference/uapi.md §3.1 and §11)",
        "docs/reference/uapi.md §1.4,\n    §5: the envelope",
        "(RFC 6749 §4.4)",
        "see docs/operating.md.",
    ],
)
def test_given_a_citation_that_holds_when_looked_for_then_no_fault_is_found(text: str) -> None:
    assert list(faults_of(text, ROOT / "bridge" / "http")) == []


@pytest.mark.parametrize("document", REFERENCES, ids=lambda path: path.stem)
def test_given_a_reference_when_its_paragraphs_are_counted_then_each_number_occurs_once(
    document: Path,
) -> None:
    numbers = _HEADING.findall(document.read_text())
    headings = re.findall(r"^##+ ", document.read_text(), re.M)
    assert len(numbers) == len(set(numbers)) == len(headings)


def test_given_the_references_when_counted_then_those_that_comments_cite_are_numbered() -> None:
    """Others, such as generated pages, need no numbers."""
    assert {x.stem for x in REFERENCES} >= {"asterisk", "specification", "uapi", "verba"}
