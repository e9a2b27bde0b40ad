"""Errors for a number, a caller id, a user or an extension that a request names.

One class per cause; each API maps them to its own codes. Every reason text names the value and the
rule that it breaks. The text is the same for a value out of reach and for one that does not exist.
"""

from __future__ import annotations

_SHOWN_CHARS = 40


class Unresolvable(Exception):
    """Base of all. `reason` may be shown to the app."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NumberInvalid(Unresolvable):
    """Not a number that this requester can reach."""


class CallerIdInvalid(Unresolvable):
    """Not of the form `John Doe <+3334444>`."""


class UserInvalid(Unresolvable):
    """Not a user that this requester can act for."""


class ExtensionInvalid(Unresolvable):
    """Not an extension of the user."""


def shown(text: str) -> str:
    """`text` quoted for a reason: printable on one line whatever came in, and never long."""
    cut = text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…"
    return ascii(cut) if not cut.isprintable() else f"'{cut}'"
