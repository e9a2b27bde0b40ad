"""Single values of a query or a body, as the UnifiedAPI's clients write them."""

from __future__ import annotations

from bridge.http.errors import invalid

_TRUE, _FALSE = {"true", "1"}, {"false", "0"}
_MAX_DIGITS = 9


def whole_number(text: str, code: str, name: str, low: int, high: int) -> int:
    """`text` as a number from `low` to `high`, else 400 `code`."""
    if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS and low <= int(text) <= high:
        return int(text)
    raise invalid(code, f"{name} must be a whole number from {low} to {high}.")


def flag(text: str, code: str, name: str) -> bool:
    """`text` as true or false (1 and 0 as well), else 400 `code`."""
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise invalid(code, f"{name} must be true or false.")


def number_text(value: object) -> str | None:
    """A phone number given as string or as JSON number; None for anything else."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return str(value)
    return None
