"""`dataclasses.replace` for values that are changed all the time.

A copy is made by a function that names each field, as `dataclasses` itself makes `__init__`. So no
field is looked up by its name, and none is passed. For the dataclasses of
bridge/calls/state/event_dataclass.py, which set nothing but their fields. Checkers see the
original, which knows the names of the fields.

Measured: changing a call is 4 to 7 times as fast, replaying all recorded stories 1.6 times
(`python -m tests.bench.pieces`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import replace as replace
else:
    from dataclasses import fields

    _copies: dict[type, Callable[[Any], Any]] = {}

    def replace(value: Any, /, **changes: Any) -> Any:
        cls = value.__class__
        copy = _copies.get(cls)
        if copy is None:
            copy = _copies[cls] = _copy_of(cls)
        new = copy(value)
        for name, changed in changes.items():
            setattr(new, name, changed)
        return new

    def _copy_of(cls: type) -> Callable[[Any], Any]:
        lines = [f"    new.{x.name} = old.{x.name}" for x in fields(cls)]
        text = "\n".join(["def copy(old):", "    new = make(cls)", *lines, "    return new"])
        made: dict[str, Any] = {"make": object.__new__, "cls": cls}
        exec(text, made)  # noqa: S102 - the text has the names of fields in it, and nothing else
        copy: Callable[[Any], Any] = made["copy"]
        return copy
