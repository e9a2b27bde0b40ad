"""Which classes of events an AMI session asks for, within the rights of its user.

Each digit of each call is an event (DTMFEnd), which nearly nobody needs. A session that does not
ask for them costs nothing: Asterisk compares two numbers and goes on.
"""

from __future__ import annotations

# main/manager.c, `perms`, without dtmf. A name that a version does not know is ignored there.
_OTHERS = (
    "system",
    "call",
    "log",
    "verbose",
    "command",
    "agent",
    "user",
    "config",
    "reporting",
    "cdr",
    "dialplan",
    "originate",
    "agi",
    "cc",
    "aoc",
    "test",
    "security",
    "message",
)


def event_mask(*, digits: bool) -> str:
    """The value of `Events` at the login, and of `EventMask` later."""
    return ",".join((*_OTHERS, "dtmf") if digits else _OTHERS)
