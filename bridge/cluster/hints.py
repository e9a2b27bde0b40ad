"""Hints that one instance gives the others: something has changed, look at the database.

A hint may be lost, or come twice. So a look at an interval stands behind each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

HINT_CHARS_MAX = 1000
"""PostgreSQL takes below 8,000 bytes; a hint names one thing."""

Hear = Callable[[str], None]
"""Gets the payload. Must return at once."""


class Hints(Protocol):
    """The channels are shared by all instances of one database, the giver included."""

    def listen(self, channel: str, hear: Hear) -> None:
        """Call `hear` with each payload on the channel, and with "" after a lost connection.

        Hints may have been missed then. `channel`: lower case, digits and `_`.
        """

    def notify(self, channel: str, payload: str) -> None:
        """Give a hint soon; the same one twice in a moment is given once.

        It is dropped if the database does not answer. Raises ValueError if the payload has more
        than `HINT_CHARS_MAX` characters.
        """
