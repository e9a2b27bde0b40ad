"""One lock per call: its recording is started, stopped and deleted by one at a time."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class CallLocks:
    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, call_id: str) -> asyncio.Lock:
        return self._locks.setdefault(call_id, asyncio.Lock())
