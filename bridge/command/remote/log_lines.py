"""The lines of a log that name a call."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable

LINES_MAX = 1_000
"""The newest are shown; a call has about ten."""

_LINE_CHARS_MAX = 20_000


def lines_about(call_id: str, log: Iterable[str]) -> list[str]:
    """The lines with this id, without their ends, in their order.

    A log may be larger than the memory: it is read line by line.
    """
    found = (line.rstrip("\n")[:_LINE_CHARS_MAX] for line in log if call_id in line)
    return list(deque(found, maxlen=LINES_MAX))


def as_values(lines: Iterable[str]) -> list[object]:
    """Each line of JSON as its object, each other one as the text that it is."""
    return [_value(line) for line in lines]


def _value(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return line
