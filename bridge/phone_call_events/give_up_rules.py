"""When an event that its receiver refuses is given up, so that the next ones are not held up.

A receiver without an answer, or with the answer "not now", may be back in an hour. It is tried
until the event is too old. A receiver that refuses will mostly refuse again: its status for this
event or this URL does not change by itself.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from bridge.phone_call_events.delivery import Attempt, Delivery

# Request Timeout, Too Early, Too Many Requests, and what proxies say of a receiver that is down.
_NOT_NOW = {408, 425, 429, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class TryLimits:
    """`attempts`: of any kind. `refused`: that the receiver answered with a status that is neither
    2xx nor "not now"; `final`: of these with one of `final_statuses`.
    """

    attempts: int
    refused: int
    final: int
    final_statuses: frozenset[int]


class Refusals:
    """Of the event that is being delivered; the count begins anew after a restart."""

    def __init__(self, limits: TryLimits) -> None:
        self._limits = limits
        self._delivery_id = ""
        self._count: Counter[str] = Counter()

    def why_given_up(self, delivery: Delivery, attempt: Attempt) -> str | None:
        """After this attempt, which failed; None if it will be tried again.

        `delivery.attempts` includes it.
        """
        if delivery.id != self._delivery_id:
            self._delivery_id, self._count = delivery.id, Counter()
        status, limits = attempt.http_status, self._limits
        if status is not None and status not in _NOT_NOW:
            self._count["refused"] += 1
            self._count["final"] += status in limits.final_statuses
        enough = (
            self._count["final"] >= limits.final
            or self._count["refused"] >= limits.refused
            or delivery.attempts >= limits.attempts
        )
        return f"{attempt.error}; given up after {delivery.attempts} tries" if enough else None
