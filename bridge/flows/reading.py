"""Reads a flow from YAML; each fault names its line and its step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bridge.directory.yaml_tree import Document, KeyPath, Tree, UnreadableYaml, read_yaml
from bridge.flows.flow import Flow
from bridge.flows.steps import APP, OF_APP, OF_PHONE, HearsTone

SUFFIX = ".flow.yaml"
"""The end of the names of files with flows, by which pytest knows them."""
EXAMPLES = Path(__file__).with_name("examples")
_BYTES_MAX = 1_000_000
_REWORDED = {
    "missing": "is required",
    "extra_forbidden": "unknown key",
    "float_parsing": "must be a number",
    "int_parsing": "must be a whole number",
    "bool_parsing": "must be yes or no",
    "model_type": "must be a mapping (key: value)",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping (key: value)",
    "string_type": "must be text",
}


@dataclass(frozen=True, slots=True)
class FlowFault:
    """`line` counts from 1, 0 if it is not known; `step` counts from 1, 0 for no step."""

    line: int
    step: int
    where: str
    reason: str

    def __str__(self) -> str:
        place = f"line {self.line}" if self.line else "file"
        if self.step:
            place += f", step {self.step}"
        return f"{place}: {self.where}: {self.reason}" if self.where else f"{place}: {self.reason}"


class WrongFlow(Exception):
    """`str()`: a line for each fault, in the order of the file."""

    def __init__(self, faults: tuple[FlowFault, ...]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class ReadFlow:
    """`lines`: of each step, in order."""

    flow: Flow
    lines: tuple[int, ...]


def read_flow_file(path: Path) -> ReadFlow:
    """Raises WrongFlow, also for a file that cannot be read."""
    try:
        data = path.read_bytes()[: _BYTES_MAX + 1]
        text = data.decode()
    except OSError as why:
        raise _wrong(0, f"cannot be read: {why.strerror or why}") from None
    except UnicodeDecodeError as why:
        raise _wrong(0, f"not UTF-8 at byte {why.start}") from None
    if len(data) > _BYTES_MAX:
        raise _wrong(0, f"is longer than {_BYTES_MAX} bytes")
    return read_flow(text)


def read_flow(text: str) -> ReadFlow:
    """Raises WrongFlow with every fault of the text."""
    try:
        document = read_yaml(text)
    except UnreadableYaml as why:
        raise _wrong(why.line, why.reason) from None
    tree = document.tree
    if not isinstance(tree, dict):
        raise _wrong(document.line_of(()), "is empty" if tree is None else "must be a mapping")
    faults = [
        FlowFault(line, 0, ".".join(map(str, path)), "is written twice")
        for path, line in document.repeated
    ]
    worded = list(_wrong_words(tree))
    faults += [_fault(document, path, reason) for path, reason in worded]
    flow: Flow | None = None
    try:
        flow = Flow.model_validate(tree)
    except ValidationError as why:
        errors = why.errors(include_input=False, include_url=False)
        # A list whose items are all wrong counts as an empty one, too.
        worse = [x for x in errors if x["type"] != "too_short"] or errors
        steps = [path[:2] for path, _ in worded]
        faults += [
            _fault(document, _path(x), _reason(x)) for x in worse if _path(x)[:2] not in steps
        ]
    else:
        faults += [_fault(document, path, reason) for path, reason in _wrong_names(flow)]
    if flow is None or faults:
        raise WrongFlow(tuple(sorted(faults, key=lambda x: x.line)))
    lines = tuple(document.line_of(("steps", x)) for x in range(len(flow.steps)))
    return ReadFlow(flow, lines)


def _wrong_words(tree: Mapping[str, Tree]) -> Iterator[tuple[KeyPath, str]]:
    """Steps that nobody could do; without this the schema would answer with a list of models."""
    steps = tree.get("steps")
    for number, step in enumerate(steps if isinstance(steps, list) else ()):
        path: KeyPath = ("steps", number)
        if not isinstance(step, dict):
            yield path, "must be a mapping (key: value)"
            continue
        verbs = [x for x in ("does", "expects") if x in step]
        if len(verbs) != 1:
            yield path, "must have one of does and expects"
            continue
        [verb] = verbs
        known = (OF_APP if step.get("who") == APP else OF_PHONE)[verb]
        if not isinstance(step[verb], str) or step[verb] not in known:
            yield (*path, verb), f"must be one of {', '.join(sorted(known))}"


def _wrong_names(flow: Flow) -> Iterator[tuple[KeyPath, str]]:
    known = {APP, *flow.phones}
    if APP in flow.phones:
        yield ("phones", APP), f"{APP} is the app, and no name of a phone"
    for number, step in enumerate(flow.steps):
        path: KeyPath = ("steps", number)
        if step.who not in known:
            yield (*path, "who"), f"no phone of this flow is called {step.who}"
        for name in ("source", "destination", "to", "number", "extension"):
            for value in _listed(getattr(step, name, None)):
                if value[0].isalpha() and value not in flow.phones:
                    yield (*path, name), f"no phone of this flow is called {value}"
        if isinstance(step, HearsTone):
            if (step.of is None) is (step.hz is None):
                yield path, "must have one of of and hz"
            elif step.of is not None and step.of not in flow.phones:
                yield (*path, "of"), f"no phone of this flow is called {step.of}"


def _listed(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, tuple) else ()


def _path(error: ErrorDetails) -> KeyPath:
    """Without the tags of the union of steps, which have no line."""
    return tuple(x for x in error["loc"] if not (isinstance(x, str) and (" " in x or x == "[key]")))


def _reason(error: ErrorDetails) -> str:
    known = _REWORDED.get(error["type"])
    if known is not None:
        return known
    if error["type"] == "too_short":
        return f"must have at least {error['ctx']['min_length']}"
    if error["type"] == "too_long":
        return f"must have at most {error['ctx']['max_length']}"
    if error["type"] == "string_pattern_mismatch":
        return f"must match {error['ctx']['pattern']}"
    return error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")


def _fault(document: Document, path: KeyPath, reason: str) -> FlowFault:
    step, rest = 0, path
    if len(path) >= 2 and path[0] == "steps" and isinstance(path[1], int):
        step, rest = path[1] + 1, path[2:]
    where = ".".join(map(str, rest))
    return FlowFault(document.line_of(path), step, where, reason)


def _wrong(line: int, reason: str) -> WrongFlow:
    return WrongFlow((FlowFault(line, 0, "", reason),))
