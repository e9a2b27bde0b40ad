"""The newest calls as streams have shown them: readers with the same rights see the same text."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import orjson

from bridge.calls.live.call_feed import FedChange
from bridge.calls.state.call_views import extensions_in
from bridge.calls.state.phone_call import PhoneCall
from bridge.http.uapi.fields import Json
from bridge.http.uapi.stream.event_ids import event_id
from bridge.http.uapi.stream.event_text import event_of_text

KEPT = 512
"""Items of about 2 KB. The readers of one change take their turns within some of them."""


@dataclass(frozen=True, slots=True)
class SharedItem:
    """A change as an event. `digest` tells two calls apart, without the id of the event.

    `extensions`: those whose call it is while it lives; None may be among them.
    """

    event: bytes
    digest: int
    extensions: frozenset[str | None]

    @classmethod
    def of(cls, fed: FedChange, item: Json) -> SharedItem:
        """`item`: the call after the change, as it is shown."""
        text = orjson.dumps(item)
        event = event_of_text("call", text, event_id(fed.position))
        return cls(event, hash(text), extensions_in(fed.after))


class SharedItems:
    """Keeps the newest; the oldest is forgotten."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._items: OrderedDict[Hashable, SharedItem] = OrderedDict()

    def get(self, fed: FedChange, reach: Hashable, show: Callable[[PhoneCall], Json]) -> SharedItem:
        """The item of this change for this reach, made where it is not kept."""
        key = fed.position.number, reach
        item = self._items.get(key)
        if item is None:
            item = self._items[key] = SharedItem.of(fed, show(fed.after))
            if len(self._items) > self._kept:
                self._items.popitem(last=False)
        return item
