"""The newest calls as streams have shown them: readers with the same rights see the same text."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import orjson

from bridge.http.uapi.fields import Json

KEPT = 512
"""Items of about 2 KB. The readers of one change take their turns within some of them."""


@dataclass(frozen=True, slots=True)
class SharedItem:
    """`digest` tells two texts apart."""

    text: bytes
    digest: int

    @classmethod
    def of(cls, item: Json) -> SharedItem:
        """The JSON of the item."""
        text = orjson.dumps(item)
        return cls(text, hash(text))


class SharedItems:
    """Keeps the newest; the oldest is forgotten."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._items: OrderedDict[Hashable, SharedItem] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Json]) -> SharedItem:
        """The item of this key, made where it is not kept."""
        item = self._items.get(key)
        if item is None:
            item = self._items[key] = SharedItem.of(make())
            if len(self._items) > self._kept:
                self._items.popitem(last=False)
        return item
