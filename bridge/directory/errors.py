"""What can be wrong with a number, a caller id, a user or an extension named in a request.

One class per cause; each API maps them to its own codes. Two rules hold for every reason text: it
names the value and the rule it broke, and it is the same for something out of the caller's reach as
for something that does not exist.
"""

from __future__ import annotations

_SHOWN_CHARS = 40


class Unresolvable(Exception):
    """Base of all. `reason` may be shown to the app."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NumberInvalid(Unresolvable):
    """Not a number that this caller can reach."""


class CallerIdInvalid(Unresolvable):
    """Not of the form `John Doe <+3334444>`."""


class UserInvalid(Unresolvable):
    """Not a user that this caller can act for."""


class ExtensionInvalid(Unresolvable):
    """Not an extension of the user."""


def shown(text: str) -> str:
    """`text` quoted for a reason: printable on one line whatever came in, and never long."""
    cut = text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…"
    return ascii(cut) if not cut.isprintable() else f"'{cut}'"
