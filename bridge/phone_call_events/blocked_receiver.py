"""Logs a subscription whose receiver holds up its events: once when it begins, once when it
ends."""

from __future__ import annotations

import logging

from yarl import URL

from bridge.phone_call_events.delivery import Delivery
from bridge.phone_call_events.subscription import Subscription
from bridge.supervision.conditions import Condition


class BlockedReceiver:
    """Of one subscription. It lasts until an event is delivered, not only until one is given up."""

    def __init__(self, subscription_id: str) -> None:
        self._condition = Condition(
            "subscription_blocked_began",
            "subscription_blocked_ended",
            level=logging.WARNING,
            subscription_id=subscription_id,
        )

    def begins(self, delivery: Delivery, subscription: Subscription) -> None:
        """Say once that the oldest event cannot be delivered.

        The log gets the receiver without path and query.
        """
        self._condition.begin(
            delivery.error or "",
            extension=subscription.extension,
            app=subscription.client_id,
            # its path and query may hold a key of the receiver
            receiver=str(URL(subscription.url, encoded=True).origin()),
            sequence=delivery.sequence,
            attempts=delivery.attempts,
        )

    def ends(self, how: str) -> None:
        """`how`: what ended it."""
        self._condition.end(how=how)
