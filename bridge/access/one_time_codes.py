"""Codes that count once, for a short time: to sign in, or to set up a phone."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from bridge.access.token_fingerprints import token_hash

CODE_BYTES = 32
PER_OWNER = 100
"""An organization sets up so many phones at once; somebody who makes more loses his oldest."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class _Code(Generic[_Value]):
    owner: str
    value: _Value
    until_s: float


class OneTimeCodes(Generic[_Value]):
    """Codes in memory, as digests. `lifetime_s`: until a code that nobody used is forgotten."""

    def __init__(self, lifetime_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._codes: OrderedDict[str, _Code[_Value]] = OrderedDict()  # the oldest first
        self._hashes_of: dict[str, dict[str, None]] = {}  # by owner, in the order of making

    def new(self, owner: str, value: _Value) -> str:
        """A code for that value. `owner`: a client id; its oldest is forgotten where it has too
        many, and none of others."""
        now_s = self._clock()
        while self._codes and next(iter(self._codes.values())).until_s <= now_s:
            self._take(next(iter(self._codes)))
        code = secrets.token_urlsafe(CODE_BYTES)
        hashed = token_hash(code)
        self._codes[hashed] = _Code(owner, value, now_s + self._lifetime_s)
        mine = self._hashes_of.setdefault(owner, {})
        mine[hashed] = None
        if len(mine) > PER_OWNER:
            self._take(next(iter(mine)))
        return code

    def use(self, code: str) -> _Value | None:
        """The value of the code, which does not count again; None for a code that is none."""
        found = self._take(token_hash(code)) if code.isascii() else None
        return found.value if found is not None and self._clock() < found.until_s else None

    def _take(self, hashed: str) -> _Code[_Value] | None:
        found = self._codes.pop(hashed, None)
        if found is not None:
            mine = self._hashes_of[found.owner]
            del mine[hashed]
            if not mine:
                del self._hashes_of[found.owner]
        return found
