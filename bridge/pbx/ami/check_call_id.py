"""The call that `check --pbx` places, and how a running service knows it for what it is.

Every channel of it has an id that begins with `CHECK_PREFIX`, or belongs to one that has. The
service is told of them like any other client of AMI; they are not calls of users.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

CHECK_PREFIX = "uapi-bridge-check-"


def new_check_id() -> str:
    """Of one call; all have the same length, as Asterisk takes prefixes for duplicates."""
    return CHECK_PREFIX + secrets.token_hex(10)


def is_of_check(headers: Mapping[str, str]) -> bool:
    """Whether an event, or a line of CoreShowChannels, is of such a call."""
    get = headers.get
    of = get("Linkedid") or get("DestLinkedid") or get("Uniqueid") or ""
    return of.startswith(CHECK_PREFIX)
