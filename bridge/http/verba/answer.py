"""An answer of the Verba API, before it is given a form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Element:
    name: str
    text: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: tuple[Element, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """`attributes` and `children` belong to Response, `siblings` stand beside it: where an action
    puts its payload differs (verba.md §4)."""

    action: str
    code: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: tuple[Element, ...] = ()
    siblings: tuple[Element, ...] = ()


def error_answer(action: str, code: int, message: str) -> Answer:
    return Answer(action, code, children=(Element("ErrorMessage", message),))
