"""Codes that sign in once, for a short time: `serve` prints one for whoever started it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from bridge.access.token_fingerprints import token_hash

_CODE_BYTES = 32
_KEPT = 16  # one is printed for each start


class OneTimeCodes:
    """Codes in memory, as digests. `lifetime_s`: until a code that nobody used is forgotten."""

    def __init__(self, lifetime_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._codes: dict[str, tuple[str, float]] = {}

    def new(self, client_id: str) -> str:
        """A code for that app. The oldest is forgotten where there are too many."""
        code = secrets.token_urlsafe(_CODE_BYTES)
        while len(self._codes) >= _KEPT:
            del self._codes[next(iter(self._codes))]
        self._codes[token_hash(code)] = client_id, self._clock() + self._lifetime_s
        return code

    def use(self, code: str) -> str | None:
        """The client id of the code, which does not count again; None for a code that is none."""
        if not code.isascii():
            return None
        client_id, until_s = self._codes.pop(token_hash(code), ("", 0.0))
        return client_id if client_id and self._clock() < until_s else None
