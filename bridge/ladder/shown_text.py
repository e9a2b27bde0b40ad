"""Text of others, made safe to show: no control character, no change of the writing direction."""

from __future__ import annotations

import unicodedata

_CUT = "…"
_NOT_SHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def one_line(text: str, width: int) -> str:
    """The text on one line of at most `width` columns; a cut one ends in an ellipsis."""
    # More would not be shown anyway, and a message may have megabytes.
    safe = "".join(_shown(x) for x in text[: 4 * width + 4])
    safe = " ".join(safe.split())
    if columns(safe) <= width and len(text) <= 4 * width + 4:
        return safe
    kept = ""
    used = 0
    for char in safe:
        used += _columns_of(char)
        if used > width - 1:
            break
        kept += char
    return kept.rstrip() + _CUT


def many_lines(text: str, characters_max: int) -> str:
    """The text with its lines and tabs, of at most so many characters."""
    cut = text[:characters_max]
    safe = "".join(x if x in "\n\t" else _shown(x) for x in cut.replace("\r\n", "\n"))
    return safe + (_CUT if len(text) > characters_max else "")


def columns(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(map(_columns_of, text))


def _shown(char: str) -> str:
    if char in "\t\r\n":
        return " "
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(char) in _NOT_SHOWN else char


def _columns_of(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
