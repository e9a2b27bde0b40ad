"""Which forwarded requests have come already: a copy of one is not carried out once more."""

from __future__ import annotations

from collections import OrderedDict

from bridge.cluster.forward_header import LIVES_MAX_MS

KEPT_MAX = 50_000
"""At 1,000 forwarded requests a second and 5 s for each, a tenth of it is used."""


class ReplayedForwards:
    """Remembers each nonce until the deadline of its request, after which nobody takes it."""

    def __init__(self, kept_max: int = KEPT_MAX) -> None:
        self._kept_max = kept_max
        self._deadlines: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._deadlines)

    def is_new(self, nonce: str, deadline_ms: int, now_ms: int) -> bool:
        """Whether that request comes for the first time; from now on it is known.

        Times by the clock that all instances share. With too many at a time none is taken: who
        forgot one could carry it out twice.
        """
        self._forget_old(now_ms)
        if nonce in self._deadlines or len(self._deadlines) >= self._kept_max:
            return False
        self._deadlines[nonce] = deadline_ms
        return True

    def _forget_old(self, now_ms: int) -> None:
        """From the oldest on: deadlines grow in about the order in which requests come.

        After the clock was set back, nobody takes those from before either.
        """
        while self._deadlines:
            nonce, deadline_ms = next(iter(self._deadlines.items()))
            if now_ms <= deadline_ms <= now_ms + LIVES_MAX_MS:
                return
            del self._deadlines[nonce]
