"""`status` of a selector: which calls of an extension are looked for, in which order."""

from __future__ import annotations

from enum import Enum


class SelectorStatus(Enum):
    """The words of `status` in a selector of the Verba API."""

    ONGOING = "ongoing"
    NEXT = "next"
    LAST = "last"


_ALLOWED = {
    (SelectorStatus.ONGOING,),
    (SelectorStatus.NEXT,),
    (SelectorStatus.LAST,),
    (SelectorStatus.ONGOING, SelectorStatus.NEXT),
    (SelectorStatus.LAST, SelectorStatus.ONGOING),
}


def parse_selector_status(text: str) -> tuple[SelectorStatus, ...]:
    """`ongoing,next`, also with spaces. Raises ValueError for any other word or combination."""
    words = tuple(SelectorStatus(word.strip()) for word in text.split(","))
    if words not in _ALLOWED:
        raise ValueError(text)
    return words
