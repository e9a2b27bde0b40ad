"""How many file descriptors the service may have open."""

from __future__ import annotations

import resource
from dataclasses import dataclass

# More than any setting needs. The limit has a bound. In some containers the hard limit is a
# thousand million, and programs that we start would close that many descriptors one by one.
_WANTED = 65_536


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """HTTP connections in all and from one remote address."""

    total: int
    per_address: int


def raise_descriptor_limit() -> int:
    """Raise the soft limit of this process towards the hard one. Returns what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    best = _WANTED if hard == resource.RLIM_INFINITY else min(_WANTED, hard)
    if soft == resource.RLIM_INFINITY or soft >= best:
        return _WANTED if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (best, hard))
    except (OSError, ValueError):  # not allowed here; it is not worth a stop
        return soft
    return best


def descriptor_limit() -> int:
    """How many files and sockets this process may open: its soft limit, RLIMIT_NOFILE."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _WANTED if soft == resource.RLIM_INFINITY else soft
