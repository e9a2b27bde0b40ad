"""When an event that could not be delivered is sent again."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_JITTER = 0.25


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """The delay doubles from `first_s` up to `last_s`, give or take a quarter.

    A receiver that names a time itself (Retry-After) is not asked earlier, but a wish for more than
    `wish_max_s` counts as that.
    """

    first_s: float
    last_s: float
    wish_max_s: float
    chance: Callable[[], float] = random.random

    def delay_s(self, attempts: int, retry_after_s: float | None = None) -> float:
        """After so many attempts, at least one."""
        doubled = math.ldexp(self.first_s, min(attempts - 1, 40))
        delay_s = min(doubled, self.last_s) * (1 + _JITTER * (2 * self.chance() - 1))
        if retry_after_s is None:
            return delay_s
        return max(delay_s, min(retry_after_s, self.wish_max_s))


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """Retry-After as seconds or as an HTTP date; None for none and for nonsense."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
