"""The deliveries of all subscriptions, as the other parts see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from bridge.phone_call_events.delivery import Delivery


class Deliveries(Protocol):
    """One instance delivers to all subscriptions. Of several, each delivers to its share."""

    async def start(self) -> None:
        """Take up what was not delivered when the service last ran. Raises StorageUnavailable."""

    async def stop(self) -> None:
        """End each worker after its attempt, or after a while."""

    def waiting_since_ms(self) -> list[int]:
        """When the oldest event occurred that waits here, of each subscription that has one."""

    def one_more(self, subscription_id: str) -> None:
        """An event of that subscription has been written."""

    def hold(self, subscription_id: str, delivery_id: str) -> None:
        """It is about to wait on disk, to be sent a single time by `send_once_more`."""

    def release(self, subscription_id: str, delivery_id: str) -> None:
        """Take back `hold`: it will not be sent by `send_once_more`."""

    def send_once_more(
        self, delivery: Delivery, tried: Callable[[Delivery], object] = lambda _: None
    ) -> None:
        """Send this one, which is held, a single time; `tried` is told what became of it."""

    def hurry(self, subscription_id: str) -> None:
        """The subscription has changed: try again at once what waits for a later time."""

    def drop(self, subscription_id: str) -> None:
        """The subscription is disabled, and what waited for it is given up on disk."""

    def resume(self, subscription_id: str) -> None:
        """The subscription was suspended, and is in force again."""

    def forget(self, subscription_id: str) -> None:
        """The subscription is deleted."""
