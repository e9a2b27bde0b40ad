"""The calls on other PBXs that count for the limits of calls, too."""

from __future__ import annotations

from typing import Protocol


class CallsElsewhere(Protocol):
    """The calls that are paid for on other PBXs than this one."""

    def of_extension(self, number: str, pbx: str) -> int:
        """How many the extension pays for."""

    def of_user(self, user_id: int, pbx: str) -> int:
        """How many the extensions of the user pay for."""


class Nowhere:
    """With one PBX there are none."""

    def of_extension(self, _number: str, _pbx: str) -> int:
        """None."""
        return 0

    def of_user(self, _user_id: int, _pbx: str) -> int:
        """None."""
        return 0
