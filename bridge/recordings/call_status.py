"""`status` of a selector: which calls of an extension are looked for, in which order."""

from __future__ import annotations

from enum import Enum


class CallStatus(Enum):
    ONGOING = "ongoing"
    NEXT = "next"
    LAST = "last"


_ALLOWED = {
    (CallStatus.ONGOING,),
    (CallStatus.NEXT,),
    (CallStatus.LAST,),
    (CallStatus.ONGOING, CallStatus.NEXT),
    (CallStatus.LAST, CallStatus.ONGOING),
}


def parse_status(text: str) -> tuple[CallStatus, ...]:
    """`ongoing,next`, also with spaces. Raises ValueError for any other word or combination."""
    words = tuple(CallStatus(word.strip()) for word in text.split(","))
    if words not in _ALLOWED:
        raise ValueError(text)
    return words
