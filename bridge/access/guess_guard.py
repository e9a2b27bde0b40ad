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

from bridge.access.buckets import KEPT, Buckets


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


def client_key(remote: str, client: str) -> str:
    """The key of `by_client`."""
    return f"{remote} {client}"


class GuessGuard:
    """Counts wrong secrets by address, and by address with client.

    The keys of `by_client` are made by `client_key`, those of `by_address` are addresses.
    """

    def __init__(self, limits: GuessLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self.by_client = Buckets(limits.per_client, limits.window_s, clock)
        self.by_address = Buckets(limits.per_address, limits.window_s, clock)
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._key = secrets.token_bytes(32)

    def check(self, remote: str, client: str, credential: str) -> None:
        """To be called before the credential is looked at. Raises TooManyGuesses."""
        wait_s = max(
            self.by_client.wait_s(client_key(remote, client)), self.by_address.wait_s(remote)
        )
        if wait_s > 0 and self._print(remote, client, credential) not in self._known:
            raise TooManyGuesses(math.ceil(wait_s))

    def failed(self, remote: str, client: str) -> None:
        """Count a wrong secret of this client from this address."""
        self.by_client.take(client_key(remote, client))
        self.by_address.take(remote)

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
