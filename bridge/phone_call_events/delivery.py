"""One event on its way to one subscriber."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum

from bridge.calls.state.event_dataclass import frozen
from bridge.phone_call_events.subscription import EventType

BLOCKING_AFTER = 3
"""From this number of failed attempts on: the log names the subscription."""


class DeliveryState(Enum):
    """The states of a delivery."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """An event to be written down for a subscription; all moments in ms since the epoch.

    `parameters` is the form-encoded text that the receiver gets, `details` our facts about the
    event as JSON (bridge/phone_call_events/event_details.py). `extension_sequence` grows with each
    event of an extension.
    """

    id: str
    subscription_id: str
    call_id: str
    occurred_ms: int
    give_up_ms: int
    parameters: str
    details: str
    extension_sequence: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """How sending went once. `http_status` is None where no answer came; then `error` says why.

    `request` is the request line and, for POST, the body. `retry_after_s`: the receiver's wish.
    `host`: that of the URL.
    """

    at_ms: int
    duration_ms: int
    request: str
    http_status: int | None = None
    error: str | None = None
    retry_after_s: float | None = None
    host: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the receiver answered with a status from 200 to 299."""
        return self.error is None and self.http_status is not None and self.http_status // 100 == 2


@frozen  # for bridge/calls/state/fast_replace.py
class Delivery:
    """A stored delivery. `sequence` numbers the events of its subscription from 1, without a gap.

    It is tried until `give_up_ms`, next at `next_attempt_ms`. The fields from `attempted_ms` on
    tell of the last attempt; `finished_ms` is set unless the state is WAITING. `details` and
    `extension_sequence`: as of NewDelivery; None in rows of before these were kept.
    """

    id: str
    subscription_id: str
    sequence: int
    call_id: str
    occurred_ms: int
    give_up_ms: int
    parameters: str
    state: DeliveryState = DeliveryState.WAITING
    attempts: int = 0
    next_attempt_ms: int = 0
    attempted_ms: int | None = None
    duration_ms: int | None = None
    request: str | None = None
    http_status: int | None = None
    error: str | None = None
    finished_ms: int | None = None
    details: str | None = None
    extension_sequence: int | None = None

    @property
    def blocking(self) -> bool:
        """Whether it holds up the later events of its subscription by failing again and again."""
        return self.state is DeliveryState.WAITING and self.attempts >= BLOCKING_AFTER


def delivery_id(
    subscription_id: str, call_id: str, part: str, kind: EventType | None = None
) -> str:
    """The same for the same event, so that the database can tell that it has it already.

    `part` tells the events of one call, subscription and type apart, `kind` those of a subscription
    to several types.
    """
    text = f"{subscription_id}\0{call_id}\0{part}"
    if kind is not None:
        text += f"\0{int(kind)}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
