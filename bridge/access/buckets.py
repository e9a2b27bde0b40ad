"""Token buckets, one for each key: so many at once, and all of them again after a window."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

KEPT = 10_000  # the longest unused goes first
_ROUNDING_S = 1e-6


class Buckets:
    """Of each key: when its bucket will be full again. A bucket that is full is not kept.

    `size`: how many may be taken at once; 0: any number. `window_s`: until as many are back.
    """

    def __init__(
        self, size: int, window_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.size = size
        self.window_s = window_s
        self._each_s = window_s / size if size else 0.0
        self._clock = clock
        self._full_s: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, key: str) -> float:
        """Seconds until one may be taken; 0 if there is one."""
        over_s = self._missing_s(key) + self._each_s - self.window_s
        return over_s if self.size and over_s > _ROUNDING_S else 0.0

    def left(self, key: str) -> int:
        """How many may be taken now; 0 where there is no limit."""
        if not self.size:
            return 0
        return max(
            0, math.floor((self.window_s - self._missing_s(key) + _ROUNDING_S) / self._each_s)
        )

    def next_s(self, key: str) -> int | None:
        """Whole seconds until one more is back; None: the bucket is full."""
        missing_s = self._missing_s(key)
        if not self.size or missing_s <= _ROUNDING_S:
            return None
        return math.ceil(missing_s % self._each_s or self._each_s)

    def take(self, key: str) -> None:
        """One less. An empty bucket stays empty."""
        if not self.size:
            return
        now_s = self._clock()
        full_s = max(self._full_s.get(key, 0.0), now_s) + self._each_s
        self._full_s[key] = min(full_s, now_s + self.window_s)
        self._full_s.move_to_end(key)
        if len(self._full_s) > KEPT:
            self._full_s.popitem(last=False)

    def _missing_s(self, key: str) -> float:
        return max(0.0, self._full_s.get(key, 0.0) - self._clock())
