"""docs/log-events.md lists every event of the log with its level, every key, and no other."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "log-events.md").read_text()

_LOGS = {"log", "_log"}
_LEVELS = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
    "exception": "error",
    "critical": "critical",
    "log": "",
}
"""The level of each method; `log` takes it as a value."""
_TAKES_ANY_NAME = ROOT / "bridge" / "supervision" / "conditions.py"
"""The only file that logs a name given to it; where the name is given, it is a constant."""
_NOT_OF_THE_LINE = {"exc_info", "level"}
_FILLED_IN = {
    "directory_reloaded": {
        "changed",
        "extensions",
        "users",
        "apps",
        "extensions_added",
        "extensions_removed",
        "extensions_changed",
        "users_added",
        "users_removed",
        "users_changed",
        "apps_added",
        "apps_removed",
        "apps_changed",
    },
    "phones_provisioned": {"added", "updated", "removed", "unchanged", "not_made"},
    "call_ended": {"help"},
    "request_refused": {"action"},
}
"""Keys that the code gives as a mapping."""


@dataclass(frozen=True)
class Line:
    """A place in the code that writes a line of the log. `level` is empty if it varies."""

    place: str
    event: str | None
    level: str
    keys: frozenset[str]


def parsed(file: Path) -> Iterator[Line]:
    for node in ast.walk(ast.parse(file.read_text())):
        place = f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Call):
            yield from _of_call(place, node)
        elif isinstance(node, ast.Dict):
            values = {_text(k): _text(v) for k, v in zip(node.keys, node.values, strict=True)}
            if "event" in values and "level" in values:
                keys = frozenset(x for x in values if x) - {"event", "level"}
                yield Line(place, values["event"], values["level"] or "", keys)


def _of_call(place: str, call: ast.Call) -> Iterator[Line]:
    names = frozenset(x.arg for x in call.keywords if x.arg)
    keys = names - _NOT_OF_THE_LINE
    if isinstance(call.func, ast.Name) and call.func.id == "Condition":
        began, ended = (_text(x) for x in call.args)
        yield Line(place, began, "warning" if "level" in names else "error", keys | {"why"})
        yield Line(place, ended, "warning", keys | {"lasted_s", "times"})
    if not isinstance(call.func, ast.Attribute):
        return
    owner, method = call.func.value, call.func.attr
    name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    if name in _LOGS and method in _LEVELS:
        event = call.args[1] if method == "log" else call.args[0]
        yield Line(place, _text(event), _LEVELS[method], keys)


def _text(node: ast.expr | None) -> str | None:
    constant = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return str(node.value) if constant and isinstance(node, ast.Constant) else None


def of_the_code() -> list[Line]:
    files = sorted((ROOT / "bridge").rglob("*.py"))
    return [line for x in files if x != _TAKES_ANY_NAME for line in parsed(x)]


def details_of_conditions() -> set[str]:
    """The keys that `begin` and `end` of a condition get at the place where it changes."""
    changes = (
        node
        for file in (ROOT / "bridge").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr in ("begin", "end")
    )
    return {key.arg for x in changes for key in x.keywords if key.arg} - _NOT_OF_THE_LINE


def rows(heading: str) -> Iterator[list[str]]:
    """The rows of the table below a heading of the page, as cells."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    for line in section.splitlines():
        if line.startswith("| `") and not line.startswith("| `event`"):
            yield [x.strip() for x in line.strip("|").split(" | ")]


def documented_levels() -> dict[str, set[str]]:
    return {
        name: set(level.split(", "))
        for events, level, *_ in rows("Events")
        for name in re.findall(r"`(\w+)`", events)
    }


def test_given_a_line_of_the_log_when_written_then_its_event_is_a_constant_in_snake_case() -> None:
    odd = [f"{x.place} {x.event}" for x in of_the_code() if not _is_snake_case(x.event)]
    assert odd == [], "docs/log-events.md: events are snake_case constants"


def _is_snake_case(event: str | None) -> bool:
    return event is not None and re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", event) is not None


def test_given_an_event_of_any_level_when_looked_up_then_the_page_has_it_with_its_level() -> None:
    said: defaultdict[str, set[str]] = defaultdict(set)
    varies = set()
    for line in of_the_code():
        said[str(line.event)].add(line.level)
        if not line.level:
            varies.add(str(line.event))
    documented = documented_levels()
    assert sorted(said.keys() - documented.keys()) == [], "add them to docs/log-events.md"
    assert sorted(documented.keys() - said.keys()) == [], "no line of the log has these any more"
    wrong = {x: said[x] for x in said if x not in varies and said[x] != documented[x]}
    assert wrong == {}, "these are the levels in the code"


def test_given_a_row_when_read_then_it_has_a_level_an_urgency_a_meaning_and_what_to_do() -> None:
    levels = {*_LEVELS.values()} - {""}
    events = list(rows("Events"))
    assert events
    for cells in events:
        assert len(cells) == 5, cells
        assert set(cells[1].split(", ")) <= levels, cells
        assert cells[2] in ("now", "today", "know", "none"), cells
        assert all(cells), cells


def test_given_a_key_of_a_line_when_looked_up_then_the_page_says_what_it_holds() -> None:
    said = set(details_of_conditions()).union(*_FILLED_IN.values())
    for line in of_the_code():
        said |= line.keys
    said |= {"pbx", "ami_user"}  # bound to the logger of an AMI session
    documented = {x for keys, *_ in rows("Keys") for x in re.findall(r"`(\w+)`", keys)}
    assert sorted(said - documented) == [], "add them to docs/log-events.md"
    assert sorted(documented - said) == [], "no line of the log has these any more"
