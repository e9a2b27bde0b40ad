"""YAML read as mappings, lists and plain text, with the line of every value.

Every scalar stays the text that was written, because YAML itself would read `0003` as the octal
number 3. The schema makes numbers and booleans of them. Empty values, `null` and `~` are None.
Aliases are not taken, and so a small file cannot stand for a huge tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

KeyPath: TypeAlias = tuple[str | int, ...]
Tree: TypeAlias = "dict[str, Tree] | list[Tree] | str | None"

# libyaml's parser, if it is installed, needs a tenth of the time of the Python parser.
PARSER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader

_MAX_DEPTH = 20  # the format needs 5; recursion has an end
_NULL_TAG = "tag:yaml.org,2002:null"
_NULLS = ("", "~", "null", "Null", "NULL")


class UnreadableYaml(Exception):
    """Not YAML, or a kind that is not taken here. `line` counts from 1; 0 when there is none."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


@dataclass(slots=True)
class Document:
    """`lines` has the line of every key and list item; `repeated` the keys written twice."""

    tree: Tree = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    repeated: list[tuple[KeyPath, int]] = field(default_factory=list)

    def line_of(self, path: KeyPath) -> int:
        """The line of the value; for a missing value, the line of its parent."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)


def read_yaml(text: str) -> Document:
    """The document in the text.

    Raises UnreadableYaml with its line, counted from 1; 0 if it is not known.
    """
    document = Document()
    try:
        _read_document(yaml.parse(text, Loader=PARSER), document)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 0 if mark is None else mark.line + 1
        raise UnreadableYaml(line, f"not valid YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())  # of several lines
        raise UnreadableYaml(0, f"not valid YAML: {reason}") from None
    return document


def _read_document(events: Iterator[Event], document: Document) -> None:
    documents = 0
    for event in events:
        if isinstance(event, DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise UnreadableYaml(_line(event), "not valid YAML: has more than one document")
            document.tree = _read_value(next(events), events, (), document)


def _read_value(event: Event, events: Iterator[Event], path: KeyPath, document: Document) -> Tree:
    """The value that begins with `event`; takes from `events` what belongs to it."""
    line = _line(event)
    document.lines.setdefault(path, line)
    if len(path) > _MAX_DEPTH:
        raise UnreadableYaml(line, "nested too deeply")
    if isinstance(event, MappingStartEvent):
        return _read_mapping(events, path, document)
    if isinstance(event, SequenceStartEvent):
        items: list[Tree] = []
        while not isinstance(event := next(events), SequenceEndEvent):
            items.append(_read_value(event, events, (*path, len(items)), document))
        return items
    if isinstance(event, AliasEvent):
        raise UnreadableYaml(line, "not valid YAML: aliases (*name) are not taken")
    assert isinstance(event, ScalarEvent)  # noqa: S101 - no other event occurs
    return None if _is_null(event) else str(event.value)


def _read_mapping(events: Iterator[Event], path: KeyPath, document: Document) -> dict[str, Tree]:
    mapping: dict[str, Tree] = {}
    while not isinstance(event := next(events), MappingEndEvent):
        line = _line(event)
        if not isinstance(event, ScalarEvent):
            raise UnreadableYaml(line, "a key must be plain text")
        key = str(event.value)
        here = (*path, key)
        if key in mapping:
            document.repeated.append((here, line))
            _read_value(next(events), events, here, Document())  # to its end
            continue
        document.lines[here] = line
        mapping[key] = _read_value(next(events), events, here, document)
    return mapping


def _is_null(event: ScalarEvent) -> bool:
    """Whether YAML reads the value as null: an unquoted null word, or the tag of null."""
    plain = event.tag is None and event.implicit[0]
    return event.tag == _NULL_TAG or (plain and event.value in _NULLS)


def _line(event: Event) -> int:
    mark = event.start_mark
    return 0 if mark is None else mark.line + 1
