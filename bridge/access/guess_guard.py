"""How many wrong secrets an address may send.

Guesses are counted by address, and by address with client. They are not counted by client alone:
anybody who knows the name of a client could then lock it out. Credentials that were right from this
very address before always count, so that a neighbour's wrong ones (behind one router or proxy) lock
nobody out.
"""

from __future__ import annotations

import hashlib
import math
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

KEPT = 10_000  # of each kind; the longest unused goes first


class TooManyGuesses(Exception):
    """An address sent too many wrong secrets. It may try again after `retry_after_s`."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(
            f"too many wrong secrets from this address; try again in {retry_after_s} s"
        )
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class GuessLimits:
    """Wrong secrets at once, for one client and for all of an address; 0: any number.

    `window_s`: until as many are allowed again.
    """

    per_client: int
    per_address: int
    window_s: float


class GuessGuard:
    """Counts wrong secrets by address, and by address with client."""

    def __init__(self, limits: GuessLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._by_client = _Buckets(limits.per_client, limits.window_s, clock)
        self._by_address = _Buckets(limits.per_address, limits.window_s, clock)
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._key = secrets.token_bytes(32)

    def check(self, remote: str, client: str, credential: str) -> None:
        """To be called before the credential is looked at. Raises TooManyGuesses."""
        wait_s = max(self._by_client.wait_s(f"{remote} {client}"), self._by_address.wait_s(remote))
        if wait_s > 0 and self._print(remote, client, credential) not in self._known:
            raise TooManyGuesses(math.ceil(wait_s))

    def failed(self, remote: str, client: str) -> None:
        """Count a wrong secret of this client from this address."""
        self._by_client.take(f"{remote} {client}")
        self._by_address.take(remote)

    def succeeded(self, remote: str, client: str, credential: str) -> None:
        """Remember right credentials, so that wrong secrets of neighbours do not lock them out."""
        known = self._print(remote, client, credential)
        self._known[known] = None
        self._known.move_to_end(known)
        if len(self._known) > KEPT:
            self._known.popitem(last=False)

    def _print(self, remote: str, client: str, credential: str) -> bytes:
        text = "\0".join((remote, client, credential)).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, key=self._key, digest_size=16).digest()


class _Buckets:
    """Of each key: when its bucket will be full again. A bucket that is full is not kept."""

    def __init__(self, size: int, window_s: float, clock: Callable[[], float]) -> None:
        self._size = size
        self._each_s = window_s / size if size else 0.0
        self._window_s = window_s
        self._clock = clock
        self._full_s: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, key: str) -> float:
        """Seconds until one may be taken; 0 if there is one."""
        over_s = self._full_s.get(key, 0.0) + self._each_s - self._window_s - self._clock()
        return over_s if self._size and over_s > 1e-6 else 0.0

    def take(self, key: str) -> None:
        if not self._size:
            return
        now_s = self._clock()
        full_s = max(self._full_s.get(key, 0.0), now_s) + self._each_s
        self._full_s[key] = min(full_s, now_s + self._window_s)
        self._full_s.move_to_end(key)
        if len(self._full_s) > KEPT:
            self._full_s.popitem(last=False)
