"""The documents are plain English, as far as a program can tell.

A sentence has at most 25 words. Code counts as one word, code blocks and headings do not count, and
each cell of a table and each item of a list is a text of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs_site.stage import ROOT, documents
from tests.unit.test_words import FORBIDDEN, MOST_WORDS

LONG_ON_PURPOSE = {
    "The first wrong field in this order is reported": "it lists the names of fields",
    "A `verbacdr` has the attributes or fields": "it lists names",
}
"""The first words of a long sentence, and the reason why it stays long."""

# From the comments of the settings, which test_words reads.
GENERATED = Path("docs/reference/settings.md")

_CODE_BLOCK = re.compile(r"^( *)(`{3,}).*?^\1\2[ \t]*$", re.M | re.S)
_INDENTED_CODE = re.compile(r"(?<=\n\n)(?: {4}.*\n|\n)+")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_CODE = re.compile(r"(`+)(?:(?!\1).)+?\1", re.S)
_BLOCK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )|\n(?=\|)|\n(?=#)")
_END = re.compile(r"(?<=[.!?;:])[*\"”)]*\s+(?=\S)")
_OLD_RELEASES = re.compile(r"^## \d", re.M)


def sentences(markdown: str) -> Iterator[str]:
    """Each sentence of a document, without marks of Markdown. A semicolon or a colon ends one."""
    text = _CODE_BLOCK.sub("\n\n", markdown)
    text = _INDENTED_CODE.sub("\n", text)
    for block in _BLOCK.split(text):
        if not block or block.startswith("#") or re.match(r"\|[-| :]+\|?$", block):
            continue
        cells = re.split(r"(?<!\\)\|", block) if block.startswith("|") else [block]
        for cell in cells:
            plain = re.sub(r"^\s*(?:[-*]|\d+\.) ", "", _LINK.sub(r"\1", cell)).replace("**", "")
            # A name such as `state/` or `a b` is one word, and its signs end no sentence.
            whole = _CODE.sub(lambda x: re.sub(r"[\s.!?;:]", "_", x[0]), plain)
            yield from (x.strip() for x in _END.split(" ".join(whole.split())) if x.strip())


def said() -> Iterator[tuple[str, str]]:
    for document in documents():
        if document == GENERATED:
            continue
        text = (ROOT / document).read_text()
        if document.name == "CHANGELOG.md":
            text = "".join(_OLD_RELEASES.split(text)[:2])
        for sentence in sentences(text):
            yield str(document), sentence


def test_given_a_sentence_when_counted_then_it_has_few_words() -> None:
    long = [
        f"{document} ({len(sentence.split())} words) {sentence}"
        for document, sentence in said()
        if len(sentence.split()) > MOST_WORDS
        and not any(sentence.startswith(x) for x in LONG_ON_PURPOSE)
    ]
    assert "\n".join(long) == ""


def test_given_a_sentence_when_read_then_it_has_no_forbidden_construction() -> None:
    odd = [
        f"{document} [{name}] {sentence}"
        for document, sentence in said()
        if not sentence.endswith("?")  # a question may begin with who or what
        for name, form in FORBIDDEN.items()
        if form.search(sentence)
    ]
    assert "\n".join(odd) == ""


@pytest.mark.parametrize(
    ("markdown", "found"),
    [
        ("# No sentence\n\nOne. Two\nlines.\n", ["One.", "Two lines."]),
        ("One.\n\n```sh\nno sentence\n```\n\nTwo.\n", ["One.", "Two."]),
        ("One:\n\n    no sentence\n\nTwo.\n", ["One:", "Two."]),
        ("- one\n- two\n", ["one", "two"]),
        ("| a | b |\n|---|---|\n| c; d | `e. f` |\n", ["a", "b", "c;", "d", "`e__f`"]),
        ("See [the *page*](docs/verba.md#getmedia).", ["See the *page*."]),
        ("Say **this**: that.", ["Say this:", "that."]),
    ],
)
def test_given_markdown_when_read_then_these_are_its_sentences(
    markdown: str, found: list[str]
) -> None:
    assert list(sentences(markdown)) == found
