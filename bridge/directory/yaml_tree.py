"""YAML read as mappings, lists and plain text, with the line of every value.

Every scalar stays the text that was written, because YAML itself would read `0003` as the octal
number 3; the schema makes numbers and booleans of them. Empty values, `null` and `~` are None.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import yaml
from yaml.events import AliasEvent

Path: TypeAlias = tuple[str | int, ...]
Tree: TypeAlias = "dict[str, Tree] | list[Tree] | str | None"

_MAX_DEPTH = 20  # the format needs 5; recursion has an end
_NULL_TAG = "tag:yaml.org,2002:null"


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
    lines: dict[Path, int] = field(default_factory=dict)
    repeated: list[tuple[Path, int]] = field(default_factory=list)

    def line_of(self, path: Path) -> int:
        """The line of the value; for a missing one, of what it is missing in."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)


def read_yaml(text: str) -> Document:
    """Raises UnreadableYaml."""
    document = Document()
    try:
        root = _compose(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 0 if mark is None else mark.line + 1
        raise UnreadableYaml(line, f"not valid YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())  # of several lines
        raise UnreadableYaml(0, f"not valid YAML: {reason}") from None
    except RecursionError:
        raise UnreadableYaml(0, "not valid YAML: nested too deeply") from None
    if root is not None:
        document.tree = _convert(root, (), document)
    return document


class _NoAliasLoader(yaml.SafeLoader):
    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not taken", problem_mark=mark)
        return super().compose_node(parent, index)


def _compose(text: str) -> yaml.Node | None:
    loader = _NoAliasLoader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _convert(node: yaml.Node, path: Path, document: Document) -> Tree:
    line = node.start_mark.line + 1
    document.lines.setdefault(path, line)
    if len(path) > _MAX_DEPTH:
        raise UnreadableYaml(line, "nested too deeply")
    if isinstance(node, yaml.MappingNode):
        return _convert_mapping(node, path, document)
    if isinstance(node, yaml.SequenceNode):
        return [_convert(item, (*path, index), document) for index, item in enumerate(node.value)]
    if node.tag == _NULL_TAG:
        return None
    return str(node.value)


def _convert_mapping(node: yaml.MappingNode, path: Path, document: Document) -> Tree:
    mapping: dict[str, Tree] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise UnreadableYaml(line, "a key must be plain text")
        key = str(key_node.value)
        here = (*path, key)
        if key in mapping:
            document.repeated.append((here, line))
            continue
        document.lines[here] = line
        mapping[key] = _convert(value_node, here, document)
    return mapping
