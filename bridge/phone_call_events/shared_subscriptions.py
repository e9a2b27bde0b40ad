"""Takes over the subscriptions that other instances have made, changed or deleted."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager

from bridge.phone_call_events.deliveries import Deliveries
from bridge.phone_call_events.store.subscription_store import EventSubscriptionStore
from bridge.phone_call_events.subscription_index import SubscriptionIndex

Turn = Callable[[], AbstractAsyncContextManager[None]]


class SharedSubscriptions:
    """`turn` is that of this instance's own changes. `changed` is called after each change."""

    def __init__(
        self,
        store: EventSubscriptionStore,
        index: SubscriptionIndex,
        deliveries: Deliveries,
        turn: Turn,
        changed: Callable[[], None],
    ) -> None:
        self._store = store
        self._index = index
        self._deliveries = deliveries
        self._turn = turn
        self._changed = changed

    async def hear(self, ids: Collection[str] | None) -> None:
        """These may have changed; None: any. Raises StorageUnavailable.

        They are read in a turn, so that none of them is older than a change of this instance.
        """
        async with self._turn():
            found = {x.id: x for x in await self._store.load(ids)}
            for gone in [x for x in self._known(ids) if x not in found]:
                self._index.remove(gone)
                self._deliveries.forget(gone)
            for subscription in found.values():
                if subscription == self._index.get(subscription.id):
                    continue
                self._index.store(subscription)
                if subscription.enabled:
                    self._deliveries.resume(subscription.id)
                else:
                    self._deliveries.drop(subscription.id)
            self._changed()

    def _known(self, ids: Collection[str] | None) -> list[str]:
        if ids is None:
            return [x.id for x in self._index]
        return [x for x in ids if self._index.get(x) is not None]
