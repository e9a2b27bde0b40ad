"""`dataclasses.replace` for values that are changed all the time.

It copies the fields instead of calling `__init__` with each of them. For dataclasses without slots
and without `__post_init__`. Checkers see the original, which knows the names of the fields.

Measured: changing a call is 1.8 to 5 times as fast, replaying all recorded stories 1.1 to 1.9 times
(`python -m tests.bench.pieces`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import replace as replace
else:

    def replace(value: Any, /, **changes: Any) -> Any:
        new = object.__new__(value.__class__)
        new.__dict__.update(value.__dict__, **changes)
        return new
