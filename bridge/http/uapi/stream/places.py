"""How many streams may be open at a time: each costs memory and a turn of the loop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.http.errors import UapiError
from bridge.http.rate_limits import RateLimit

_RETRY_S = "10"


class StreamPlaces:
    """`total` streams in all, and `per_app` of one app."""

    def __init__(self, total: int, per_app: int) -> None:
        self._total = total
        self._per_app = per_app
        self._of_app: Counter[str] = Counter()

    @property
    def open(self) -> int:
        """How many streams are open."""
        return self._of_app.total()

    def limit(self, client_id: str) -> RateLimit:
        """The places of the app, cut to those that are left in all."""
        left = min(self._total - self.open, self._per_app - self._of_app[client_id])
        return RateLimit("streams-of-app", self._per_app, left)

    @contextmanager
    def taken(self, client_id: str) -> Iterator[None]:
        """One place of the app, until the block ends. Raises 429 too_many_streams."""
        if self._of_app.total() >= self._total:
            raise _too_many("in all", self._total)
        if self._of_app[client_id] >= self._per_app:
            raise _too_many("of this app", self._per_app)
        self._of_app[client_id] += 1
        try:
            yield
        finally:
            self._of_app[client_id] -= 1
            if not self._of_app[client_id]:
                del self._of_app[client_id]


def _too_many(whose: str, limit: int) -> UapiError:
    return UapiError(
        429,
        "too_many_streams",
        f"too many open streams {whose} (limit {limit})",
        {"Retry-After": _RETRY_S},
    )
