"""An answer of the Verba API, before it is given a form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Element:
    """An element of an answer; each response type renders it in its own form."""

    name: str
    text: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: tuple[Element, ...] = ()


@dataclass(frozen=True, slots=True)
class VerbaAnswer:
    """`attributes` and `children` belong to Response, `siblings` stand beside it,
    `root_attributes` belong to VerbaApi: where an action puts its payload differs
    (docs/reference/verba.md §4)."""

    action: str
    code: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: tuple[Element, ...] = ()
    siblings: tuple[Element, ...] = ()
    root_attributes: Mapping[str, str] = field(default_factory=dict)


def error_answer(action: str, code: int, message: str) -> VerbaAnswer:
    """An answer with an error code and its message (docs/reference/verba.md §3, §4)."""
    return VerbaAnswer(action, code, children=(Element("ErrorMessage", message),))
