"""The subscriptions in force, by id and by extension: asked at every change of every call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from bridge.phone_call_events.subscription import EventType, Subscription


class SubscriptionIndex:
    """All subscriptions in memory, by id and by extension."""

    def __init__(self) -> None:
        self._by_id: dict[str, Subscription] = {}
        self._by_extension: defaultdict[str, dict[str, Subscription]] = defaultdict(dict)
        self._wanted: defaultdict[tuple[str, EventType], list[Subscription]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Subscription]:
        return iter(list(self._by_id.values()))

    def __contains__(self, extension: object) -> bool:
        """Whether anybody wants to hear of that extension."""
        return extension in self._by_extension

    def get(self, subscription_id: str) -> Subscription | None:
        """The subscription with that id; None if there is none."""
        return self._by_id.get(subscription_id)

    def of_extension(self, extension: str) -> list[Subscription]:
        """The subscriptions of the extension, also disabled ones."""
        return list(self._by_extension.get(extension, {}).values())

    def wanting(self, extension: str, event: EventType) -> list[Subscription]:
        """The enabled subscriptions to that event, in the order of their ids."""
        return self._wanted.get((extension, event), [])

    def wants(self, event: EventType) -> bool:
        """Whether any extension has an enabled subscription to that event."""
        return any(kind is event for _, kind in self._wanted)

    def store(self, subscription: Subscription) -> None:
        """Add the subscription, or replace the one with its id."""
        self.remove(subscription.id)
        self._by_id[subscription.id] = subscription
        self._by_extension[subscription.extension][subscription.id] = subscription
        if subscription.enabled:
            for kind in subscription.types:
                wanted = self._wanted[subscription.extension, kind]
                wanted.append(subscription)
                # who writes rows in the same order as others cannot lock them out
                wanted.sort(key=lambda x: x.id)

    def store_all(self, subscriptions: Iterable[Subscription]) -> None:
        for subscription in subscriptions:
            self.store(subscription)

    def remove(self, subscription_id: str) -> None:
        """Forget the subscription with that id, if there is one."""
        old = self._by_id.pop(subscription_id, None)
        if old is None:
            return
        same_extension = self._by_extension[old.extension]
        del same_extension[old.id]
        if not same_extension:
            del self._by_extension[old.extension]
        for kind in old.types:
            others = [x for x in self._wanted.pop((old.extension, kind), []) if x.id != old.id]
            if others:
                self._wanted[old.extension, kind] = others
