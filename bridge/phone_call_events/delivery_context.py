"""The parts that the deliveries of all subscriptions share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from bridge.phone_call_events.give_up_rules import TryLimits
from bridge.phone_call_events.retry_delay import RetrySchedule
from bridge.phone_call_events.sender import EventSender
from bridge.phone_call_events.store.attempt_store import AttemptStore
from bridge.phone_call_events.store.delivery_store import EventDeliveryStore
from bridge.phone_call_events.subscription import Subscription


@dataclass(frozen=True, slots=True)
class DeliveryContext:
    """The parts that all workers share. `find` gives the current subscription, None if it is
    deleted or disabled; `gone` disables it; `let_go` is told of a receiver of one call for which
    nothing waits; `know` takes up those receivers of single calls, of the subscriptions with these
    ids, that other instances have made. `waiting_max`: events that may wait per subscription.
    """

    store: EventDeliveryStore
    attempts: AttemptStore
    sender: EventSender
    schedule: RetrySchedule
    waiting_max: int
    limits: TryLimits
    find: Callable[[str], Subscription | None]
    gone: Callable[[str], Awaitable[None]]
    let_go: Callable[[str], None]
    know: Callable[[Collection[str]], Awaitable[None]]
